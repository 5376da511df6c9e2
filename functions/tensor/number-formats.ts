/** How a safetensors dtype is stored, and how its little-endian bytes become f32. */
interface NumberFormat {
  readonly bytes: number;
  /** Absent: the dtype is known, so headers may hold it, but its values cannot be read as f32. */
  readonly decode?: (view: DataView, index: number) => number;
}

/** 1 sign, 5 exponent, 10 fraction bits (IEEE 754 binary16) as a number. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const floatBits = new DataView(new ArrayBuffer(4));

/** Nearest binary16, ties to even; beyond 65,519 it becomes infinite, as IEEE 754 asks. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  // Spacing of binary16 around the value: 2⁻²⁴ below the smallest normal number, else 2^(exponent − 10).
  const exponent = size < 2 ** -14 ? -14 : Math.min(15, floorLog2(size));
  const steps = roundToEven(Math.min(size, 2 ** 17) / 2 ** (exponent - 10));
  // Steps run over into the next exponent by themselves: the fields are adjacent.
  return sign | Math.min(0x7c00, ((exponent + 14) << 10) + steps);
}

const bfloat16ToNumber = (bits: number): number => {
  floatBits.setUint32(0, bits << 16);
  return floatBits.getFloat32(0);
};

/** Nearest bfloat16 (the upper half of an f32), ties to even; NaN stays NaN. */
export function numberToBfloat16(value: number): number {
  floatBits.setFloat32(0, value);
  const bits = floatBits.getUint32(0);
  if (Number.isNaN(value)) return ((bits >>> 16) | 0x40) & 0xffff;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

function floorLog2(size: number): number {
  floatBits.setFloat32(0, size);
  // The nearest f32 may have rounded up to the next power of two.
  const exponent = (floatBits.getUint32(0) >>> 23) - 127;
  return 2 ** exponent > size ? exponent - 1 : exponent;
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

/** Every dtype of the safetensors format whose elements fill whole bytes. */
export const numberFormats = {
  F64: { bytes: 8, decode: (view, i) => view.getFloat64(i * 8, true) },
  F32: { bytes: 4, decode: (view, i) => view.getFloat32(i * 4, true) },
  F16: { bytes: 2, decode: (view, i) => halfToNumber(view.getUint16(i * 2, true)) },
  BF16: { bytes: 2, decode: (view, i) => bfloat16ToNumber(view.getUint16(i * 2, true)) },
  I64: { bytes: 8, decode: (view, i) => Number(view.getBigInt64(i * 8, true)) },
  U64: { bytes: 8, decode: (view, i) => Number(view.getBigUint64(i * 8, true)) },
  I32: { bytes: 4, decode: (view, i) => view.getInt32(i * 4, true) },
  U32: { bytes: 4, decode: (view, i) => view.getUint32(i * 4, true) },
  I16: { bytes: 2, decode: (view, i) => view.getInt16(i * 2, true) },
  U16: { bytes: 2, decode: (view, i) => view.getUint16(i * 2, true) },
  I8: { bytes: 1, decode: (view, i) => view.getInt8(i) },
  U8: { bytes: 1, decode: (view, i) => view.getUint8(i) },
  BOOL: { bytes: 1, decode: (view, i) => (view.getUint8(i) ? 1 : 0) },
  F8_E5M2: { bytes: 1 },
  F8_E4M3: { bytes: 1 },
  F8_E8M0: { bytes: 1 },
  C64: { bytes: 8 },
} as const satisfies Record<string, NumberFormat>;

export type NumberFormatName = keyof typeof numberFormats;

export const isNumberFormat = (name: unknown): name is NumberFormatName =>
  typeof name === "string" && Object.hasOwn(numberFormats, name);

/** Stored bytes as f32 values, or undefined when that dtype cannot be read as numbers. */
export function decodeNumbers(dtype: NumberFormatName, bytes: Uint8Array): Float32Array | undefined {
  const format: NumberFormat = numberFormats[dtype];
  const { decode } = format;
  if (!decode) return undefined;
  const values = new Float32Array(bytes.length / format.bytes);
  if (dtype === "F32") {
    new Uint8Array(values.buffer).set(bytes);
    return values;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < values.length; i++) values[i] = decode(view, i);
  return values;
}

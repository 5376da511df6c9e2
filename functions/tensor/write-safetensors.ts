import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { numberToBfloat16, numberToHalf } from "./number-formats.ts";
import { prefixBytes } from "./safetensors-header.ts";
import { type Shape, sizeOf, type Tensor } from "./tensor.ts";

/** A tensor made only when its turn to be written comes, so that a checkpoint larger than memory can be written. */
export interface LazyTensor {
  readonly shape: Shape;
  readonly make: () => Tensor;
}

/** Number formats that are written. */
export type StoredFloat = "F32" | "F16" | "BF16";

type Tensors = Readonly<Record<string, Tensor | LazyTensor>>;
type Metadata = Readonly<Record<string, string>>;

const elementBytes: Readonly<Record<StoredFloat, number>> = { F32: 4, F16: 2, BF16: 2 };

/** The file as bytes: tensors in the order of their names, header padded with spaces to a multiple of 8. F16 and BF16
 * round to nearest, ties to even. */
export function encode(tensors: Tensors, metadata: Metadata = {}, { dtype = "F32" as StoredFloat } = {}): Uint8Array {
  const chunks = [...chunksOf(tensors, metadata, dtype)];
  const file = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let filled = 0;
  for (const chunk of chunks) {
    file.set(chunk, filled);
    filled += chunk.length;
  }
  return file;
}

/** Writes the file beside its place and renames it there once it is on disk: no reader ever sees half of it. */
export function write(
  path: string,
  tensors: Tensors,
  metadata: Metadata = {},
  { dtype = "F32" as StoredFloat } = {},
): void {
  const temporary = `${path}.${randomUUID()}.part`;
  const descriptor = openSync(temporary, "wx");
  try {
    try {
      for (const chunk of chunksOf(tensors, metadata, dtype)) {
        for (let done = 0; done < chunk.length; ) {
          done += writeSync(descriptor, chunk, done, Math.min(chunk.length - done, 2 ** 30));
        }
      }
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Header, then one chunk for each tensor. */
function* chunksOf(tensors: Tensors, metadata: Metadata, dtype: StoredFloat): Generator<Uint8Array> {
  const entries = Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1));
  yield headerOf(entries, metadata, dtype);
  for (const [name, source] of entries) {
    const { data, shape } = "make" in source ? source.make() : source;
    if (data.length !== sizeOf(source.shape)) {
      throw new Error(`safetensors: ${name} was announced as [${source.shape}], its maker returned [${shape}]`);
    }
    yield encodeNumbers(data, dtype);
  }
}

function headerOf(
  entries: readonly [string, Tensor | LazyTensor][],
  metadata: Metadata,
  dtype: StoredFloat,
): Uint8Array {
  let end = 0;
  const described = entries.map(([name, { shape }]) => {
    if (name === "__metadata__") throw new Error("safetensors: no tensor can be named __metadata__");
    const begin = end;
    end += sizeOf(shape) * elementBytes[dtype];
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const first = Object.keys(metadata).length > 0 ? [["__metadata__", metadata] as const] : [];
  // Written pair by pair: an object would move names that look like numbers to the front.
  const pairs = [...first, ...described].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${pairs.join(",")}}`);
  const header = new Uint8Array(prefixBytes + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - prefixBytes), true);
  header.set(json, prefixBytes);
  return header;
}

function encodeNumbers(data: Float32Array, dtype: StoredFloat): Uint8Array {
  if (dtype === "F32") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const toBits = dtype === "F16" ? numberToHalf : numberToBfloat16;
  return new Uint8Array(Uint16Array.from(data, toBits).buffer);
}

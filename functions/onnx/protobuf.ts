/** Writes the protobuf wire format (protobuf.dev/programming-guides/encoding): just what ONNX models need. */

/** A message under construction: a list of byte runs. */
export type Message = readonly Uint8Array[];

/** Unsigned LEB128 of a two's-complement 64-bit integer. */
function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const tag = (field: number, wireType: 0 | 2 | 5): Uint8Array => varint((field << 3) | wireType);

const encoder = new TextEncoder();

/** An int32, int64 or enum field. */
export const int = (field: number, value: number | bigint): Message => [tag(field, 0), varint(value)];

/** A float field. */
export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, 5), bytes];
}

/** A bytes or embedded-message field. */
export const bytes = (field: number, value: Uint8Array | Message): Message => {
  const runs = value instanceof Uint8Array ? [value] : value;
  const length = runs.reduce((sum, run) => sum + run.length, 0);
  return [tag(field, 2), varint(length), ...runs];
};

/** A string field. */
export const string = (field: number, value: string): Message => bytes(field, encoder.encode(value));

/** The message as one array. */
export function join(message: Message): Uint8Array {
  const result = new Uint8Array(message.reduce((sum, run) => sum + run.length, 0));
  let offset = 0;
  for (const run of message) {
    result.set(run, offset);
    offset += run.length;
  }
  return result;
}

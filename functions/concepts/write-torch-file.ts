import { zipSync } from "fflate";
import { sizeOf, type Tensor } from "../tensor/tensor.ts";
import type { TorchValue } from "./torch-file.ts";

/** What `torch.save(value, path)` writes, as far as a loader can tell. The same value gives the same bytes. */
export function writeTorchFile(value: TorchValue): Uint8Array {
  const blocks: Uint8Array[] = [];
  const out: number[] = [0x80, 2];
  pickle(value, out, blocks);
  out.push(0x2e);
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  const files: Record<string, Uint8Array> = {
    "archive/data.pkl": Uint8Array.from(out),
    "archive/byteorder": text("little"),
    "archive/version": text("3\n"),
  };
  for (const [key, block] of blocks.entries()) files[`archive/data/${key}`] = block;
  return zipSync(files, { level: 0, mtime: new Date(2020, 0, 1) });
}

const uint32 = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const ascii = (text: string): readonly number[] => [...Buffer.from(text, "latin1")];

function pickle(value: TorchValue, out: number[], blocks: Uint8Array[]): void {
  const put = (...items: readonly TorchValue[]): void => {
    for (const item of items) pickle(item, out, blocks);
  };
  if (value === null) out.push(0x4e);
  else if (typeof value === "boolean") out.push(value ? 0x88 : 0x89);
  else if (typeof value === "number") out.push(...number(value));
  else if (typeof value === "string") {
    const text = Buffer.from(value, "utf8");
    out.push(0x58, ...uint32(text.length), ...text);
  } else if (value instanceof Map) {
    out.push(0x7d, 0x28);
    for (const [key, item] of value) put(key, item);
    out.push(0x75);
  } else if (isTensor(value)) {
    // _rebuild_tensor_v2((storage), offset, shape, strides, requires_grad, backward_hooks)
    out.push(...ascii("ctorch._utils\n_rebuild_tensor_v2\n("), 0x28);
    put("storage");
    out.push(...ascii("ctorch\nFloatStorage\n"));
    put(String(blocks.length), "cpu", value.data.length);
    out.push(0x74, 0x51);
    put(0, value.shape, stridesOf(value.shape), false);
    out.push(...ascii("ccollections\nOrderedDict\n)R"), 0x74, 0x52);
    blocks.push(new Uint8Array(value.data.slice().buffer));
  } else {
    out.push(0x28);
    put(...(value as readonly TorchValue[]));
    out.push(0x74);
  }
}

const isTensor = (value: TorchValue): value is Tensor =>
  typeof value === "object" && value !== null && "dtype" in value;

function number(value: number): readonly number[] {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return [0x4a, ...uint32(value)];
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return [0x47, ...bytes];
}

const stridesOf = (shape: readonly number[]): readonly number[] =>
  shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

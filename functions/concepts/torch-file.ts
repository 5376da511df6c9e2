import { type UnzipFileInfo, unzipSync } from "fflate";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { decodeNumbers, numberFormats } from "../tensor/number-formats.ts";
import { type Shape, sizeOf, type Tensor, tensor } from "../tensor/tensor.ts";
import { type PickledTensor, unpickle } from "./pickle.ts";

/** Values of a PyTorch file: dicts are Maps, tensors f32. */
export type TorchValue =
  | null
  | boolean
  | number
  | string
  | Tensor
  | readonly TorchValue[]
  | ReadonlyMap<string, TorchValue>;

function refuse(label: string, reason: string): never {
  throw new UserError("bad_concept", `${label} is not a usable PyTorch file: ${reason}.`);
}

/** Dicts in each other, values in all and numbers in all tensors that no concept file exceeds. They bound the time that a file
 * made of references to references can take. */
const maxDepth = 4;
const maxValues = 10_000;
const maxNumbers = 2 * limits.maxConceptTokens * limits.maxConceptWidth;

interface Reading {
  readonly label: string;
  readonly blockOf: (key: string) => Uint8Array;
  values: number;
  numbers: number;
}

/** Reads what `torch.save` wrote (.pt, .bin) without PyTorch: a zip without compression that holds a pickle and number blocks.
 * Nothing in it is executed. Tensors may be views; they come out dense. @throws UserError bad_concept */
export function readTorchFile(bytes: Uint8Array, label: string): TorchValue {
  const files = unzip(bytes, label);
  const pickles = [...files.keys()].filter((name) => name === "data.pkl" || /^[^/]+\/data\.pkl$/.test(name));
  const path = pickles[0];
  if (path === undefined || pickles.length > 1) {
    refuse(label, `it holds ${pickles.length} pickles named data.pkl, expected one`);
  }
  const folder = path.slice(0, -"data.pkl".length);
  const order = files.get(`${folder}byteorder`);
  if (order !== undefined && Buffer.from(order).toString() !== "little")
    return refuse(label, "it is not little-endian");
  const blockOf = (key: string): Uint8Array =>
    files.get(`${folder}data/${key}`) ?? refuse(label, `it has no number block ${JSON.stringify(key.slice(0, 40))}`);
  return plain(unpickle(files.get(path) ?? new Uint8Array()), { label, blockOf, values: 0, numbers: 0 }, 0);
}

/** The archive's files. What is compressed is refused before it is expanded: PyTorch stores, bombs compress. */
function unzip(bytes: Uint8Array, label: string): ReadonlyMap<string, Uint8Array> {
  let total = 0;
  const filter = ({ name, compression, size, originalSize }: UnzipFileInfo): boolean => {
    total += originalSize;
    if (compression !== 0 || size !== originalSize)
      refuse(label, `its entry ${JSON.stringify(name.slice(0, 80))} is compressed`);
    if (total > limits.maxConceptFileBytes) refuse(label, "its entries together are larger than a concept can be");
    return true;
  };
  try {
    return new Map(Object.entries(unzipSync(bytes, { filter })));
  } catch (error) {
    if (error instanceof UserError) throw error;
    return refuse(label, "its zip archive is damaged or cut short");
  }
}

function plain(value: unknown, reading: Reading, depth: number): TorchValue {
  reading.values += 1;
  if (depth > maxDepth || reading.values > maxValues) refuse(reading.label, "it holds too many lists and dicts");
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, reading, depth + 1));
  if (value instanceof Map) {
    return new Map(Array.from(value, ([key, item]) => [String(key), plain(item, reading, depth + 1)] as const));
  }
  if (isPickledTensor(value)) return dense(value, reading);
  return refuse(reading.label, "it holds something that is neither text, number, tensor, list nor dict of them");
}

const isPickledTensor = (value: unknown): value is PickledTensor =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "tensor";

/** The window of a number block that a tensor is, in row-major order. */
function dense({ storage, offset, shape, strides }: PickledTensor, reading: Reading): Tensor {
  const { label } = reading;
  const whole = [offset, ...shape, ...strides].every((x) => Number.isSafeInteger(x) && x >= 0);
  const size = sizeOf(shape);
  if (!whole || shape.length !== strides.length || shape.length > 4 || size > maxNumbers) {
    refuse(label, `a tensor of shape [${shape.slice(0, 8)}] and strides [${strides.slice(0, 8)}] is no concept's`);
  }
  if (size === 0) return tensor(new Float32Array(), shape);
  const end = shape.reduce((sum, dim, axis) => sum + (dim - 1) * (strides[axis] ?? 0), offset) + 1;
  const { bytes } = numberFormats[storage.format];
  const block = reading.blockOf(storage.key);
  if (end * bytes > block.length) {
    refuse(
      label,
      `a tensor needs ${end} numbers, its block has ${Math.floor(block.length / bytes)}; it may be cut short`,
    );
  }
  reading.numbers += size + (end - offset);
  if (reading.numbers > maxNumbers) refuse(label, "it holds more numbers than a concept");
  const numbers = decodeNumbers(storage.format, block.slice(offset * bytes, end * bytes)) ?? new Float32Array();
  return tensor(gather(numbers, shape, strides, size), shape);
}

function gather(numbers: Float32Array, shape: Shape, strides: Shape, size: number): Float32Array {
  const data = new Float32Array(size);
  const index = shape.map(() => 0);
  let from = 0;
  for (let i = 0; i < size; i++) {
    data[i] = numbers[from] ?? Number.NaN;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      index[axis] = (index[axis] ?? 0) + 1;
      from += stride;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      from -= stride * (index[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return data;
}

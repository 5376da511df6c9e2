import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { decodeNumbers, numberFormats } from "./number-formats.ts";
import {
  headerLength,
  parseHeader,
  prefixBytes,
  refuse,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensors-header.ts";
import { type Shape, type Tensor, tensor } from "./tensor.ts";

/** A checked safetensors file on disk; nothing but its header is in memory. */
export interface SafetensorsFile extends SafetensorsHeader {
  /** Absolute and free of links. */
  readonly path: string;
  /** Size of the whole file. */
  readonly bytes: number;
}

/** Reads and validates the header. Links are followed (the Hub cache is made of them); what they lead to must be a
 * regular file. @throws UserError not_found, bad_safetensors */
export function readHeader(path: string, maxHeaderBytes: number = limits.maxSafetensorsHeaderBytes): SafetensorsFile {
  return withFile(path, (descriptor, realPath, bytes) => {
    const prefix = readAt(descriptor, 0, Math.min(prefixBytes, bytes), path);
    const header = readAt(descriptor, prefixBytes, headerLength(prefix, bytes, maxHeaderBytes, path), path);
    return { path: realPath, bytes, ...parseHeader(header, bytes, path) };
  });
}

/** One tensor as f32, whatever number format it is stored in. Values may be NaN or infinite: see `assertFinite`.
 * @throws UserError bad_safetensors when the file lacks it or changed since `readHeader` */
export function readTensor(file: SafetensorsFile, name: string): Tensor {
  const entry = entryOf(file, name, file.path);
  const bytes = readRange(file, [[entry.offset, entry.length]]);
  return toTensor(name, entry, entry.shape, bytes, file.path);
}

/** Rows of a matrix as f32 [rows.length, columns], reading only their bytes. @throws UserError bad_safetensors */
export function readRows(file: SafetensorsFile, name: string, rows: readonly number[]): Tensor {
  const entry = entryOf(file, name, file.path);
  const [count = 0, columns = 0] = entry.shape;
  if (entry.shape.length !== 2)
    throw refuse(file.path, `tensor "${name}" has shape [${entry.shape}], not that of a matrix`);
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= count)
      throw new Error(`readRows: row ${row} of ${count} in ${name}`);
  }
  const rowBytes = columns * numberFormats[entry.dtype].bytes;
  const bytes = readRange(
    file,
    rows.map((row) => [entry.offset + row * rowBytes, rowBytes] as const),
  );
  return toTensor(name, entry, [rows.length, columns], bytes, file.path);
}

/** A whole file in memory, every tensor as f32. @throws UserError bad_safetensors */
export function parse(
  bytes: Uint8Array,
  { label = "The file", maxHeaderBytes = limits.maxSafetensorsHeaderBytes as number } = {},
): { readonly metadata: ReadonlyMap<string, string>; readonly tensors: ReadonlyMap<string, Tensor> } {
  const length = headerLength(bytes, bytes.length, maxHeaderBytes, label);
  const header = parseHeader(bytes.subarray(prefixBytes, prefixBytes + length), bytes.length, label);
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of header.tensors) {
    const data = bytes.subarray(entry.offset, entry.offset + entry.length);
    tensors.set(name, toTensor(name, entry, entry.shape, data, label));
  }
  return { metadata: header.metadata, tensors };
}

/** Refuses NaN and infinite values: whoever needs numbers to be real asks for it. @throws UserError bad_safetensors */
export function assertFinite(value: Tensor, label: string): void {
  const index = value.data.findIndex((x) => !Number.isFinite(x));
  if (index >= 0) throw refuse(label, `value ${index} of its ${value.data.length} is ${value.data[index]}`);
}

function entryOf(file: SafetensorsFile, name: string, label: string): TensorEntry {
  const entry = file.tensors.get(name);
  if (!entry) throw refuse(label, `it has no tensor "${name}" among its ${file.tensors.size}`);
  return entry;
}

function toTensor(name: string, { dtype }: TensorEntry, shape: Shape, bytes: Uint8Array, label: string): Tensor {
  const data = decodeNumbers(dtype, bytes);
  if (!data)
    throw refuse(label, `tensor "${name}" is stored as ${dtype}, which cannot be read; convert it to F16 or F32`);
  return tensor(data, shape);
}

function withFile<T>(path: string, use: (descriptor: number, realPath: string, bytes: number) => T): T {
  let descriptor: number;
  let realPath: string;
  try {
    realPath = realpathSync(path);
    // Opening a pipe or a device could block or have effects; so look first, and once more after opening.
    if (!statSync(realPath).isFile()) throw refuse(path, "it is not a regular file");
    descriptor = openSync(realPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") throw new UserError("not_found", `There is no file ${path}.`);
    throw refuse(path, `it cannot be opened (${code})`);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw refuse(path, "it is not a regular file");
    return use(descriptor, realPath, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** The given [offset, length] ranges, one after another. */
function readRange(file: SafetensorsFile, ranges: readonly (readonly [number, number])[]): Uint8Array {
  return withFile(file.path, (descriptor, _, bytes) => {
    if (bytes !== file.bytes)
      throw refuse(file.path, `it changed while in use: it had ${file.bytes} bytes, now ${bytes}`);
    const all = new Uint8Array(ranges.reduce((sum, [, length]) => sum + length, 0));
    let filled = 0;
    for (const [offset, length] of ranges) {
      readInto(descriptor, offset, all.subarray(filled, filled + length), file.path);
      filled += length;
    }
    return all;
  });
}

function readAt(descriptor: number, offset: number, length: number, label: string): Uint8Array {
  const bytes = new Uint8Array(length);
  readInto(descriptor, offset, bytes, label);
  return bytes;
}

function readInto(descriptor: number, offset: number, target: Uint8Array, label: string): void {
  for (let done = 0; done < target.length; ) {
    // One call reads less than 2 GiB.
    const read = readSync(descriptor, target, done, Math.min(target.length - done, 2 ** 30), offset + done);
    if (read === 0) throw refuse(label, "it was cut short while being read");
    done += read;
  }
}

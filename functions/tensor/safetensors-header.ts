import { UserError } from "../../shared/error.ts";
import { isNumberFormat, type NumberFormatName, numberFormats } from "./number-formats.ts";
import type { Shape } from "./tensor.ts";

/** Where one tensor's bytes lie. */
export interface TensorEntry {
  readonly dtype: NumberFormatName;
  readonly shape: Shape;
  /** First byte, counted from the start of the file. */
  readonly offset: number;
  /** Bytes, exactly elements × size of the dtype. */
  readonly length: number;
}

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Bytes of the little-endian length that opens the file. */
export const prefixBytes = 8;

export const refuse = (label: string, reason: string): UserError =>
  new UserError("bad_safetensors", `${label} is not a usable safetensors file: ${reason}.`);

/** Values in an error are cut: they come from outside, may be megabytes long, and nested deeper than the stack is. */
const quote = (value: unknown): string => {
  const flat = (item: unknown): string =>
    typeof item === "object" && item !== null ? "…" : (JSON.stringify(item) ?? String(item));
  const text = Array.isArray(value) ? `[${value.slice(0, 80).map(flat).join()}]` : flat(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

/** More dimensions than any weight has; errors name whole shapes. */
const maxDimensions = 16;

/** Header bytes that the first eight bytes promise, checked against the file's size and the cap. */
export function headerLength(prefix: Uint8Array, fileBytes: number, maxHeaderBytes: number, label: string): number {
  if (fileBytes < prefixBytes + 2 || prefix.length < prefixBytes) {
    throw refuse(label, `it holds ${fileBytes} bytes, the smallest such file has ${prefixBytes + 2}`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw refuse(label, `its header claims ${length} bytes, at most ${maxHeaderBytes} are read`);
  }
  if (length < 2n || length > BigInt(fileBytes - prefixBytes)) {
    throw refuse(
      label,
      `its header claims ${length} bytes, but ${fileBytes - prefixBytes} follow; it may be cut short`,
    );
  }
  return Number(length);
}

/** Validates the whole header, before a byte of data is touched: known dtypes, real shapes, lengths equal to
 * dims × size, and ranges that cover the rest of the file without hole or overlap.
 * @throws UserError bad_safetensors */
export function parseHeader(headerBytes: Uint8Array, fileBytes: number, label: string): SafetensorsHeader {
  const header = parseObject(headerBytes, label);
  const dataStart = prefixBytes + headerBytes.length;
  const metadata = new Map<string, string>();
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (!isObject(value)) throw refuse(label, "its __metadata__ is not an object");
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== "string") throw refuse(label, `its metadata ${quote(key)} is not a text`);
        metadata.set(key, text);
      }
    } else {
      tensors.set(name, parseEntry(name, value, dataStart, fileBytes, label));
    }
  }
  checkCover(tensors, dataStart, fileBytes, label);
  return { metadata, tensors };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parseObject(bytes: Uint8Array, label: string): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw refuse(label, "its header does not start with {");
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch {
    throw refuse(label, "its header is not valid JSON in UTF-8");
  }
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw refuse(label, `its header names ${quote(twice)} twice`);
  if (!isObject(header)) throw refuse(label, "its header is not an object");
  return header;
}

/** First key that some object of a valid JSON text holds twice. `JSON.parse` keeps the last one silently, other
 * readers the first: a file that two programs understand differently is refused. */
function findDuplicateKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(undefined);
    else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const start = i++;
      for (; json[i] !== '"'; i++) if (json[i] === "\\") i++;
      let next = i + 1;
      while (" \t\r\n".includes(json[next] ?? "x")) next++;
      if (json[next] !== ":") continue;
      const key = JSON.parse(json.slice(start, i + 1)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

function parseEntry(name: string, value: unknown, dataStart: number, fileBytes: number, label: string): TensorEntry {
  const bad = (reason: string) => refuse(label, `tensor ${quote(name)} ${reason}`);
  if (!isObject(value)) throw bad("is not described by an object");
  const { dtype, shape, data_offsets: range } = value;
  if (!isNumberFormat(dtype)) {
    throw bad(`has dtype ${quote(dtype)}; known are ${Object.keys(numberFormats).join(", ")}`);
  }
  if (!isCounts(shape)) throw bad(`has shape ${quote(shape)}; expected whole numbers ≥ 0`);
  if (shape.length > maxDimensions) throw bad(`has ${shape.length} dimensions; at most ${maxDimensions} are read`);
  if (!isCounts(range) || range.length !== 2) throw bad(`has data_offsets ${quote(range)}; expected [begin, end]`);
  const [begin, end] = range as unknown as readonly [number, number];
  const available = fileBytes - dataStart;
  if (begin > end || end > available) {
    throw bad(`lies at bytes ${begin} to ${end} of ${available}; the file is damaged or cut short`);
  }
  const length = byteLength(shape, numberFormats[dtype].bytes);
  if (length !== end - begin)
    throw bad(`of shape [${quote(shape).slice(1, -1)}] in ${dtype} does not fill its ${end - begin} bytes`);
  return { dtype, shape, offset: dataStart + begin, length };
}

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** dims × size, or undefined beyond 2⁵³−1 (a dimension of zero makes it zero whatever the others say). */
function byteLength(shape: Shape, elementBytes: number): number | undefined {
  if (shape.includes(0)) return 0;
  let length = elementBytes;
  for (const dim of shape) {
    length *= dim;
    if (!Number.isSafeInteger(length)) return undefined;
  }
  return length;
}

function checkCover(tensors: ReadonlyMap<string, TensorEntry>, dataStart: number, fileBytes: number, label: string) {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.length - b.length);
  let covered = dataStart;
  for (const [name, { offset, length }] of inOrder) {
    if (offset < covered) throw refuse(label, `tensor ${quote(name)} overlaps the one before it`);
    if (offset > covered) throw refuse(label, `${offset - covered} bytes before tensor ${quote(name)} belong to none`);
    covered = offset + length;
  }
  if (covered !== fileBytes) throw refuse(label, `its last ${fileBytes - covered} bytes belong to no tensor`);
}

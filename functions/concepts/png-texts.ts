import { inflateSync } from "node:zlib";

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export const isPng = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** Texts of a PNG by key (PNG specification, third edition, sec. 11.3.3: tEXt, zTXt, iTXt), the first of each key. Damaged
 * chunks and texts longer than `maxBytes` are left out; nothing but texts is looked at. */
export function readPngTexts(bytes: Uint8Array, maxBytes: number): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = signature.length; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    if (at + 12 + length > png.length) break;
    const type = png.toString("latin1", at + 4, at + 8);
    const text = readText(type, png.subarray(at + 8, at + 8 + length), maxBytes);
    if (text !== undefined && !texts.has(text.key)) texts.set(text.key, text.value);
    at += 12 + length;
  }
  return texts;
}

function readText(type: string, body: Buffer, maxBytes: number): { key: string; value: string } | undefined {
  if (type !== "tEXt" && type !== "zTXt" && type !== "iTXt") return undefined;
  const end = body.indexOf(0);
  if (end < 1 || end > 79) return undefined;
  const key = body.toString("latin1", 0, end);
  if (type === "tEXt") return { key, value: body.toString("latin1", end + 1) };
  if (type === "zTXt") return withValue(key, inflate(body.subarray(end + 2), maxBytes)?.toString("latin1"));
  // iTXt: compressed?, method, language, 0, translated key, 0, text
  const language = body.indexOf(0, end + 3);
  const translated = language < 0 ? -1 : body.indexOf(0, language + 1);
  if (translated < 0) return undefined;
  const value = body.subarray(translated + 1);
  return withValue(key, (body[end + 1] === 1 ? inflate(value, maxBytes) : value)?.toString("utf8"));
}

const withValue = (key: string, value: string | undefined) => (value === undefined ? undefined : { key, value });

function inflate(bytes: Uint8Array, maxBytes: number): Buffer | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

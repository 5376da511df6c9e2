import { deflateSync, inflateSync } from "node:zlib";
import type { Picture } from "../tensor/pixels.ts";

// AUTOMATIC1111's picture embedding. Two blocks stand left and right of the picture, each set off by a black column. They hold
// a zlib stream in the low four bits of their colour values, in row-major order: the left block the low half of every byte, the
// right block the high half, both mixed with one stream of pseudo-random numbers. The high four bits are decoration.

/** The mixing stream: a linear congruential generator (a = 1664525, c = 1013904223, m = 2³², seed 0), modulo 255. */
export function* mixingStream(): Generator<number> {
  for (let state = 0; ; ) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    yield state % 255;
  }
}

/** Low halves of the stream's first values. */
function mixingNibbles(count: number): Uint8Array {
  const nibbles = new Uint8Array(count);
  const stream = mixingStream();
  for (let i = 0; i < count; i++) nibbles[i] = (stream.next().value ?? 0) & 0x0f;
  return nibbles;
}

/** The picture with `text` in blocks at its sides; their width depends on text and height. `shades` (0–255, at least one)
 * colour the blocks, so that a card's look says something about its content. */
export function hideInPixels(picture: Picture, text: string, shades: Uint8Array): Picture {
  const bytes = deflateSync(text, { level: 9 });
  const { width, height } = picture;
  const side = Math.ceil((bytes.length + 1) / (3 * height));
  const mixing = mixingNibbles(side * height * 3);
  const total = width + 2 * side + 2;
  const data = new Uint8Array(total * height * 3);
  for (let y = 0; y < height; y++) {
    const row = y * total * 3;
    for (let i = 0; i < side * 3; i++) {
      const at = y * side * 3 + i;
      const byte = bytes[at % bytes.length] ?? 0;
      const mix = mixing[at] ?? 0;
      data[row + i] = shadeAt(shades, Math.floor(i / 3), y) | ((byte & 0x0f) ^ mix);
      data[row + (side + width + 2) * 3 + i] = shadeAt(shades, side - Math.floor(i / 3), y) | ((byte >> 4) ^ mix);
    }
    data.set(picture.data.subarray(y * width * 3, (y + 1) * width * 3), row + (side + 1) * 3);
  }
  return { width: total, height, data };
}

/** High four bits at a pixel: diamonds of eight pixels, never 0, since readers cut black edges away. */
function shadeAt(shades: Uint8Array, x: number, y: number): number {
  const cell = Math.floor((x + y) / 8) * 31 + Math.floor((x - y + 65_536) / 8);
  return Math.max(0x10, (shades[cell % shades.length] ?? 0) & 0xf0);
}

/** The text in the blocks at the sides of a picture; undefined when there is none, or more than `maxBytes` of it. */
export function findInPixels(picture: Picture, maxBytes: number): string | undefined {
  const { left, right, top, bottom } = withoutBlackEdges(picture);
  const isBlack = (x: number): boolean => {
    for (let y = top; y < bottom; y++) {
      const at = (y * picture.width + x) * 3;
      for (let channel = 0; channel < 3; channel++) if ((picture.data[at + channel] ?? 0) & 0x0f) return false;
    }
    return true;
  };
  let first = left;
  while (first < right && !isBlack(first)) first++;
  let last = right - 1;
  while (last > first && !isBlack(last)) last--;
  const side = first - left;
  if (last <= first || side === 0 || right - 1 - last !== side) return undefined;
  const bytes = new Uint8Array(side * (bottom - top) * 3);
  const mixing = mixingNibbles(bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const y = top + Math.floor(at / (side * 3));
    const x = at % (side * 3);
    const low = (picture.data[(y * picture.width + left) * 3 + x] ?? 0) & 0x0f;
    const high = (picture.data[(y * picture.width + last + 1) * 3 + x] ?? 0) & 0x0f;
    const mix = mixing[at] ?? 0;
    bytes[at] = ((high ^ mix) << 4) | (low ^ mix);
  }
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes }).toString("utf8");
  } catch {
    return undefined;
  }
}

/** The part left when rows and columns without a pixel that is above 0 in all three colours are cut from the edges. */
function withoutBlackEdges({ width, height, data }: Picture) {
  const lit = (x: number, y: number): boolean => {
    const at = (y * width + x) * 3;
    return (data[at] ?? 0) > 0 && (data[at + 1] ?? 0) > 0 && (data[at + 2] ?? 0) > 0;
  };
  const range = (length: number) => Array.from({ length }, (_, i) => i);
  const litColumn = (x: number): boolean => range(height).some((y) => lit(x, y));
  const litRow = (y: number): boolean => range(width).some((x) => lit(x, y));
  const columns = range(width);
  const rows = range(height);
  return {
    left: Math.max(0, columns.findIndex(litColumn)),
    right: columns.findLastIndex(litColumn) + 1,
    top: Math.max(0, rows.findIndex(litRow)),
    bottom: rows.findLastIndex(litRow) + 1,
  };
}

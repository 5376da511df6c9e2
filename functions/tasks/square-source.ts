import type { Source } from "../inversion/views.ts";
import { boundingBox, type Mask, resizeMask } from "../tensor/mask.ts";
import { type Picture, resizePicture } from "../tensor/pixels.ts";

/** How much of a picture's side its subject usually takes: as much as in what the model was trained on, so that a word need not
 * learn where and how large its thing happened to be. */
const usualShare = 0.7;
/** A square is cut from a copy of at most so many times the model's side, and never from fewer pixels. */
const [finest, leastPixels] = [4, 16];

/** A source as the model learns from it, `side` × `side` pixels. With `framing` the square around the thing; without it, or without
 * a mask, the whole picture, squashed, as the paper's code does. */
export async function squareSource(source: Source, side: number, framing: boolean): Promise<Source> {
  const { picture, mask } = framing ? await framed(source, side) : source;
  return {
    picture: await resizePicture(picture, { width: side, height: side, fit: "fill" }),
    mask: mask && resizeMask(mask, side, side),
  };
}

async function framed({ picture, mask }: Source, side: number): Promise<Source> {
  const box = mask && boundingBox(mask);
  if (!box) return { picture, mask };
  const scale = Math.min(1, (finest * side * usualShare) / Math.max(box.width, box.height));
  if (scale === 1) return squareAround(picture, mask);
  const [width, height] = [picture.width, picture.height].map((size) => Math.max(1, Math.round(size * scale))) as [
    number,
    number,
  ];
  return squareAround(await resizePicture(picture, { width, height, fit: "fill" }), resizeMask(mask, width, height));
}

/** Centred on the thing, whose longer side takes `usualShare` of the square's; beyond the picture its outermost pixels go on, and
 * are not the thing. */
function squareAround(picture: Picture, mask: Mask): Source {
  const box = boundingBox(mask) ?? { left: 0, top: 0, width: picture.width, height: picture.height };
  const side = Math.max(leastPixels, Math.round(Math.max(box.width, box.height) / usualShare));
  const [left, top] = [box.left + (box.width - side) / 2, box.top + (box.height - side) / 2].map(Math.round) as [
    number,
    number,
  ];
  const data = new Uint8Array(side * side * 3);
  const inside = new Uint8Array(side * side);
  const within = (at: number, size: number): number => Math.min(size - 1, Math.max(0, at));
  for (let y = 0; y < side; y++) {
    const row = within(top + y, picture.height);
    for (let x = 0; x < side; x++) {
      const column = within(left + x, picture.width);
      const from = row * picture.width + column;
      data.set(picture.data.subarray(from * 3, from * 3 + 3), (y * side + x) * 3);
      if (row === top + y && column === left + x) inside[y * side + x] = mask.data[from] as number;
    }
  }
  const size = { width: side, height: side };
  return { picture: { ...size, data }, mask: { ...size, data: inside } };
}

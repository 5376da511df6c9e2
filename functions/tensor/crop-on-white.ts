import { boundingBox, type Mask } from "./mask.ts";
import type { Picture } from "./pixels.ts";

/** The thing on white in its tight box (Caption Anything's choices: background away, no margin), padded to a square so
 * that squashing networks see its true shape. */
export function cropOnWhite(picture: Picture, mask: Mask): Picture {
  const box = boundingBox(mask) ?? { left: 0, top: 0, width: picture.width, height: picture.height };
  const side = Math.max(box.width, box.height);
  const [dx, dy] = [Math.floor((side - box.width) / 2), Math.floor((side - box.height) / 2)];
  const data = new Uint8Array(side * side * 3).fill(255);
  for (let y = 0; y < box.height; y++) {
    for (let x = 0; x < box.width; x++) {
      const from = (box.top + y) * picture.width + box.left + x;
      if (!mask.data[from]) continue;
      data.set(picture.data.subarray(from * 3, from * 3 + 3), ((dy + y) * side + dx + x) * 3);
    }
  }
  return { width: side, height: side, data };
}

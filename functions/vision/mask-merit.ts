import { dilateMask, type Mask } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";

/** Pixels around a mask whose colours are compared with those in it. */
const ring = 12;
/** Colours are counted by the three highest bits of each channel. */
const bits = 3;

/** Mean difference of colour across the mask's border, two pixels apart on either side, each at most 90 of 441: masks that follow
 * outlines have more of it. */
export function contrast({ width, height, data }: Picture, mask: Mask): number {
  const most = 90;
  const inside = (x: number, y: number): boolean => mask.data[y * width + x] === 1;
  const colour = (x: number, y: number) => {
    const i = (Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))) * 3;
    return [data[i] as number, data[i + 1] as number, data[i + 2] as number] as const;
  };
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        const [outX, outY] = [x + dx, y + dy];
        if (outX < 0 || outY < 0 || outX >= width || outY >= height || inside(outX, outY)) continue;
        const [a, b] = [colour(x - dx, y - dy), colour(outX + dx, outY + dy)];
        sum += Math.min(most, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
        count++;
      }
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** χ² distance, 0–2, of the colours in the mask and around it: a mask that holds all of a thing leaves none of its colours outside.
 * 0 where there is nothing in it or nothing around it. */
export function separation({ data }: Picture, mask: Mask): number {
  const around = dilateMask(mask, ring);
  const counts = [new Float64Array(8 ** bits), new Float64Array(8 ** bits)] as const;
  const totals = [0, 0] as [number, number];
  for (const [i, isIn] of mask.data.entries()) {
    if (!around.data[i]) continue;
    const [red, green, blue] = [0, 1, 2].map((channel) => (data[i * 3 + channel] as number) >> (8 - bits)) as [
      number,
      number,
      number,
    ];
    const colour = (red << (2 * bits)) | (green << bits) | blue;
    const where = isIn ? 0 : 1;
    counts[where][colour] = (counts[where][colour] as number) + 1;
    totals[where]++;
  }
  if (totals.includes(0)) return 0;
  return counts[0].reduce((sum, count, colour) => {
    const [a, b] = [count / totals[0], (counts[1][colour] as number) / totals[1]];
    return a + b === 0 ? sum : sum + (a - b) ** 2 / (a + b);
  }, 0);
}

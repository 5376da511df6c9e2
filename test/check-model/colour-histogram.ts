import type { Picture } from "../../functions/tensor/pixels.ts";

/** Levels of each colour channel. */
const levels = 4;

/** Shares of the 64 colours of a picture, square-rooted, so that the dot product of two is their Bhattacharyya coefficient, 0–1. */
export function colourHistogram({ data }: Picture): Float32Array {
  const counts = new Float32Array(levels ** 3);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [0, 1, 2].map((c) => Math.floor(((data[i + c] as number) * levels) / 256)) as [
      number,
      number,
      number,
    ];
    const bin = (r * levels + g) * levels + b;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts.map((count) => Math.sqrt((count * 3) / data.length));
}

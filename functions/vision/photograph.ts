import type { Picture } from "../tensor/pixels.ts";

/** Drawings are flat: in most of them neighbouring pixels are equal. Sensors never are quiet. */
const mostEqualInPhotographs = 0.45;
/** Levels of 256 within which two neighbours count as equal; JPEG ripples by more around edges only. */
const tolerance = 1;

/** Whether a picture is a photograph rather than a drawing, by the share of equal neighbours. */
export function looksLikePhotograph({ width, height, data }: Picture): boolean {
  let [equal, pairs] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 1; x < width; x++) {
      const i = (y * width + x) * 3;
      const differs = [0, 1, 2].some(
        (c) => Math.abs((data[i + c] as number) - (data[i + c - 3] as number)) > tolerance,
      );
      equal += differs ? 0 : 1;
      pairs++;
    }
  }
  return pairs > 0 && equal / pairs < mostEqualInPhotographs;
}

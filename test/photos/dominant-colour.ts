import type { Mask } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";

/** CIE L*a*b*, D65. */
export type Lab = readonly [lightness: number, a: number, b: number];

const clusters = 3;
const rounds = 12;

/** The centre of the largest of three clusters (k-means in L*a*b*, begun at the quartiles of lightness) of the pixels inside. */
export function dominantColour({ data }: Picture, mask: Mask): Lab {
  const pixels = Array.from(mask.data.keys())
    .filter((i) => mask.data[i])
    .map((i) => labOf([data[i * 3] as number, data[i * 3 + 1] as number, data[i * 3 + 2] as number]));
  const byLight = pixels.toSorted((p, q) => p[0] - q[0]);
  let centres = Array.from({ length: clusters }, (_, k) => {
    const at = Math.floor(((k + 0.5) / clusters) * byLight.length);
    return byLight[at] as Lab;
  });
  let members: Lab[][] = [];
  for (let round = 0; round < rounds; round++) {
    members = centres.map(() => []);
    for (const pixel of pixels) members[nearest(pixel, centres)]?.push(pixel);
    centres = centres.map((centre, k) => meanOf(members[k] ?? []) ?? centre);
  }
  const sizes = members.map(({ length }) => length);
  return centres[sizes.indexOf(Math.max(...sizes))] as Lab;
}

/** CIE 1976 ΔE*ab: stricter than CIEDE2000 for saturated colours. */
export const deltaE = (one: Lab, two: Lab): number => Math.hypot(one[0] - two[0], one[1] - two[1], one[2] - two[2]);

function nearest(pixel: Lab, centres: readonly Lab[]): number {
  const distances = centres.map((centre) => deltaE(pixel, centre));
  return distances.indexOf(Math.min(...distances));
}

const meanOf = (pixels: readonly Lab[]): Lab | undefined =>
  pixels.length === 0
    ? undefined
    : ([0, 1, 2].map(
        (c) => pixels.reduce((sum, pixel) => sum + (pixel[c] as number), 0) / pixels.length,
      ) as unknown as Lab);

/** sRGB, 0–255 → L*a*b* (IEC 61966-2-1, CIE 15). */
export function labOf(rgb: readonly [number, number, number]): Lab {
  const [r, g, b] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047;
  const y = 0.2126729 * r + 0.7151522 * g + 0.072175 * b;
  const z = (0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883;
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  return [116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))];
}

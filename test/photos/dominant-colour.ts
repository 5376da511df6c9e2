import type { Mask } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";

/** CIE L*a*b*, D65. */
export type Lab = readonly [lightness: number, a: number, b: number];

const clusters = 3;
const rounds = 12;
const nearlyAsLarge = 0.8;

/** The centre of the largest of three clusters of the pixels inside. */
export const dominantColour = (picture: Picture, mask: Mask): Lab => (clustersOf(picture, mask)[0] as Cluster).centre;

/** The centres of all clusters that are nearly as large as the largest: a panda is as black as it is white, and which of the two
 * is its dominant colour is chance. */
export function mainColours(picture: Picture, mask: Mask): readonly Lab[] {
  const found = clustersOf(picture, mask);
  return found.filter(({ size }) => size >= nearlyAsLarge * (found[0] as Cluster).size).map(({ centre }) => centre);
}

interface Cluster {
  readonly centre: Lab;
  /** Pixels. */
  readonly size: number;
}

/** K-means in L*a*b*, begun at the quartiles of lightness; the largest first. */
function clustersOf({ data }: Picture, mask: Mask): readonly Cluster[] {
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
  return centres
    .map((centre, k) => ({ centre, size: members[k]?.length ?? 0 }))
    .toSorted((one, two) => two.size - one.size);
}

/** CIE 1976 ΔE*ab: stricter than CIEDE2000 for saturated colours. */
export const deltaE = (one: Lab, two: Lab): number => Math.hypot(one[0] - two[0], one[1] - two[1], one[2] - two[2]);

/** Of the two that are nearest to each other. */
export const leastDeltaE = (some: readonly Lab[], others: readonly Lab[]): number =>
  Math.min(...some.flatMap((one) => others.map((two) => deltaE(one, two))));

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

import { boundingBox, type Mask } from "../tensor/mask.ts";
import { uniform } from "../tensor/noise.ts";
import type { Picture } from "../tensor/pixels.ts";
import type { Source } from "./views.ts";

type Rgb = readonly [number, number, number];

/** Grounds that every text encoder has a word for. */
const grounds: Readonly<Record<string, Rgb>> = {
  red: [214, 40, 40],
  orange: [245, 140, 30],
  yellow: [250, 215, 50],
  green: [60, 165, 70],
  blue: [45, 110, 225],
  purple: [135, 70, 190],
  pink: [245, 130, 180],
  brown: [130, 85, 50],
  white: [245, 245, 245],
  black: [25, 25, 28],
  gray: [140, 140, 145],
};
/** A ground nearer than this to the thing's mean colour would swallow it (0–441, the length of RGB differences). */
const leastContrast = 90;
/** The thing is moved by up to this share of the side, so that its place is not learned. */
const shift = 1 / 16;

/** The thing alone, cut out by its mask and set on at most `count` plain grounds, each of another colour that the picture's prompts
 * name: what stays the same wherever the thing stands is the thing, so one picture teaches as several would. Ours; pasted things as
 * training pictures are Dwibedi, Misra & Hebert's (2017, arXiv 1708.01642, "Cut, Paste and Learn"). The thing is moved by whole pixels: nothing
 * is sampled anew. Without a mask, or with an empty one, nothing. */
export function recompose({ picture, mask }: Source, count: number, seed: number): readonly Source[] {
  const box = mask && boundingBox(mask);
  if (!mask || !box) return [];
  const mean = meanColour(picture, mask);
  const order = uniform(Object.keys(grounds).length, { seed, stream: ["recompose", "grounds"] });
  const chosen = Object.entries(grounds)
    .map(([name, rgb], i) => ({ name, rgb, at: order[i] as number }))
    .filter(({ rgb }) => Math.hypot(...rgb.map((value, i) => value - (mean[i] as number))) >= leastContrast)
    .sort((a, b) => a.at - b.at)
    .slice(0, count);
  const moves = uniform(2 * count, { seed, stream: ["recompose", "moves"] });
  const alpha = softened(mask);
  return chosen.map(({ name, rgb }, i) => {
    const move = (at: number, first: number, size: number, whole: number): number => {
      const wanted = Math.round(((moves[at] as number) * 2 - 1) * shift * whole);
      return Math.max(-first, Math.min(whole - first - size, wanted));
    };
    const dx = move(2 * i, box.left, box.width, picture.width);
    const dy = move(2 * i + 1, box.top, box.height, picture.height);
    return {
      ...moved(picture, mask, alpha, rgb, dx, dy),
      where: `on ${/^[aeiou]/.test(name) ? "an" : "a"} ${name} background`,
    };
  });
}

function meanColour({ data }: Picture, mask: Mask): Rgb {
  const sum = [0, 0, 0, 0] as [number, number, number, number];
  mask.data.forEach((inside, i) => {
    if (!inside) return;
    for (let c = 0; c < 3; c++) sum[c] = (sum[c] as number) + (data[i * 3 + c] as number);
    sum[3]++;
  });
  return [sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]];
}

/** How much of each pixel is the thing: its outermost pixels, which show what is behind it too, less than the others. 0–1. */
function softened({ width, height, data }: Mask): Float32Array {
  const inside = (x: number, y: number): number =>
    data[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))] as number;
  return Float32Array.from(data, (own, i) => {
    if (!own) return 0;
    const [x, y] = [i % width, Math.floor(i / width)];
    return (2 + inside(x - 1, y) + inside(x + 1, y) + inside(x, y - 1) + inside(x, y + 1)) / 6;
  });
}

function moved({ width, height, data }: Picture, mask: Mask, alpha: Float32Array, ground: Rgb, dx: number, dy: number) {
  const pixels = new Uint8Array(data.length);
  const inside = new Uint8Array(mask.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = y * width + x;
      const [fromX, fromY] = [x - dx, y - dy];
      const within = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      const from = fromY * width + fromX;
      const share = within ? (alpha[from] as number) : 0;
      inside[to] = within ? (mask.data[from] as number) : 0;
      for (let c = 0; c < 3; c++) {
        pixels[to * 3 + c] = Math.round(
          (ground[c] as number) * (1 - share) + (share && (data[from * 3 + c] as number) * share),
        );
      }
    }
  }
  return { picture: { width, height, data: pixels }, mask: { width, height, data: inside } };
}

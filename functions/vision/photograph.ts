import { type Picture, resizePicture } from "../tensor/pixels.ts";

const side = 96;

/** Levels of 256 at which the shares of pixels are counted: largest difference of neighbours, largest second difference,
 * saturation (largest minus smallest channel), and value (largest channel). */
const steps = [0, 1, 2, 4, 8, 16, 32];
const bends = [2, 6, 12, 24, 48];
const tones = [26, 51, 102, 153, 204];
/** Light and shade change all channels alike, another paint changes them each in its way: of neighbours that differ by more than
 * this, the channel that goes along least, as a share of the one that changes most. */
const visibleStep = 2;
const agreements = [-0.25, 0, 0.5, 0.9];
/** Pixels of a patch's side, and levels of what is left of a patch when its plane of best fit is taken away. */
const patch = 12;
const grains = [2, 4, 8, 16, 32];
/** Hues are counted where the saturation is more than this. */
const hues = 24;
const colourful = 30;
/** Sixteen levels a channel; drawings have few colours. */
const commonColours = 8;

/** Logistic regression in the order of `features`, fitted by photograph.py of the embedded model's recipe on @@ */
const weights = [
  ...[-5.444, -1.886, 3.518, 0.338, -7.391, -22.742, 42.157],
  ...[-9.668, 7.965, -0.647, -11.681, 1.227],
  ...[0.826, 2.707, -1.403, -0.21, -4.581],
  ...[0.061, -0.004, 0.495, -0.647, 2.151],
  ...[-8.289, -1.169, -4.11, 7.236],
  ...[7.198, -0.558, 1.604, 7.226, -3.14],
  ...[-9.998, -10.275, -11.896],
];
const constant = 4.7081;

/** Whether a picture is a photograph rather than a drawing. Looks at a copy of 96 × 96 pixels, where the noise of sensors and the
 * ripples of JPEG are gone: photographs are smooth shades in many muted colours, drawings flat areas in few. */
export async function looksLikePhotograph(picture: Picture): Promise<boolean> {
  const values = features((await resizePicture(picture, { width: side, height: side })).data);
  // Nearly all of it in a few colours: no photograph, and far from anything that the weights were fitted on.
  if ((values.at(-2) as number) > 0.97) return false;
  return values.reduce((sum, value, i) => sum + value * (weights[i] as number), constant) > 0;
}

function features(data: Uint8Array): readonly number[] {
  const at = (x: number, y: number, c: number): number => data[(y * side + x) * 3 + c] as number;
  const most = (value: (c: number) => number): number => Math.max(value(0), value(1), value(2));
  const step: number[] = [];
  const agreement: number[] = [];
  const bend: number[] = [];
  const saturation: number[] = [];
  const value: number[] = [];
  const colours = new Map<number, number>();
  const hueCounts = new Map<number, number>();
  const addStep = (d: (c: number) => number): void => {
    const [high, low] = [most(d), -most((c) => -d(c))];
    step.push(Math.max(high, -low));
    if (Math.max(high, -low) > visibleStep) agreement.push(high >= -low ? low / high : high / low);
  };
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [r, g, b] = [at(x, y, 0), at(x, y, 1), at(x, y, 2)];
      const [high, low] = [Math.max(r, g, b), Math.min(r, g, b)];
      count(colours, ((r >> 4) << 8) | ((g >> 4) << 4) | (b >> 4));
      if (high - low > colourful) count(hueCounts, Math.floor((sixthsOf(r, g, b) * hues) / 6) % hues);
      value.push(high);
      saturation.push(high - low);
      if (x + 1 < side) addStep((c) => at(x + 1, y, c) - at(x, y, c));
      if (y + 1 < side) addStep((c) => at(x, y + 1, c) - at(x, y, c));
      if (x === 0 || y === 0 || x + 1 === side || y + 1 === side) continue;
      const around = (c: number): number => at(x - 1, y, c) + at(x + 1, y, c) + at(x, y - 1, c) + at(x, y + 1, c);
      bend.push(most((c) => Math.abs(4 * at(x, y, c) - around(c))));
    }
  }
  const grain: number[] = [];
  for (let y = 0; y < side; y += patch) {
    for (let x = 0; x < side; x += patch) grain.push(most((c) => grainOf((dx, dy) => at(x + dx, y + dy, c))));
  }
  const common = [...colours.values()].sort((a, b) => b - a).slice(0, commonColours);
  return [
    ...sharesUpTo(step, steps),
    ...sharesUpTo(bend, bends),
    ...sharesUpTo(saturation, tones),
    ...sharesUpTo(value, tones),
    ...sharesUpTo(agreement, agreements),
    ...sharesUpTo(grain, grains),
    entropy(hueCounts) / 10,
    common.reduce((sum, n) => sum + n, 0) / side ** 2,
    entropy(colours) / 10,
  ];
}

/** Standard deviation of a patch of one channel from its plane of best fit. */
function grainOf(at: (x: number, y: number) => number): number {
  const [pixels, middle, spread] = [patch ** 2, (patch - 1) / 2, (patch ** 2 - 1) / 12];
  let [sum, squares, across, down] = [0, 0, 0, 0];
  for (let y = 0; y < patch; y++) {
    for (let x = 0; x < patch; x++) {
      const v = at(x, y);
      sum += v;
      squares += v * v;
      across += v * (x - middle);
      down += v * (y - middle);
    }
  }
  const variance = squares / pixels - (sum / pixels) ** 2;
  return Math.sqrt(Math.max(0, variance - ((across / pixels) ** 2 + (down / pixels) ** 2) / spread));
}

/** 0 red, 2 green, 4 blue, up to 6. */
function sixthsOf(r: number, g: number, b: number): number {
  const high = Math.max(r, g, b);
  const width = high - Math.min(r, g, b);
  if (high === r) return ((g - b) / width + 6) % 6;
  return high === g ? (b - r) / width + 2 : (r - g) / width + 4;
}

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Bits. */
function entropy(counts: ReadonlyMap<number, number>): number {
  const all = [...counts.values()];
  const total = all.reduce((sum, n) => sum + n, 0);
  return all.reduce((sum, n) => sum - (n / total) * Math.log2(n / total), 0);
}

const sharesUpTo = (values: readonly number[], edges: readonly number[]): readonly number[] =>
  edges.map((edge) => values.filter((value) => value <= edge).length / Math.max(1, values.length));

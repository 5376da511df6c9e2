import { cropPicture, type Picture, resizePicture } from "../tensor/pixels.ts";

const side = 96;
/** Corners are cut from a copy of this size. */
const large = 160;

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

/** Logistic regression in the order of `features`, fitted by photograph.py of the embedded model's recipe on 1,653 photographs (355
 * and cuts of them, and 248 cut-outs on plain, shaded and other grounds) and 2,004 drawings (1,600 emoji on scenes and grounds of
 * all kinds, 320 clip art, 84 by the embedded model); of those held out in six folds, 94 % and 93 % come out right: photographs that
 * are no cut-outs 96 %, cut-outs 86 %, emoji 96 %, clip art 78 %. */
const weights = [
  ...[4.32, -3.79, 0.38, -1.38, -0.12, -8.94, 46.29],
  ...[-6.5, 4.63, -4.45, -3.8, -13.77],
  ...[-0.43, 0.71, -1.44, -0.53, -4.17],
  ...[1.72, 2.07, -0.71, 2.12, 3.77],
  ...[-17.14, -1.38, -0.81, 2.85],
  ...[2.61, -0.16, -1.3, -0.75, -1.53],
  ...[-13.68, -8.51, -1.09],
];
/** The same, times the share of neighbours that are about the same: what tells a photograph where much is flat is not what tells
 * it elsewhere. */
const weightsOfFlatness = [
  ...[-3.78, -4.79, -3.45, -6.97, -3.98, 2.72, 4.77],
  ...[-3.71, 1.17, -6.2, -2.32, 3.53],
  ...[1.09, 2.59, 2.25, 1.35, 1.69],
  ...[-1.9, -2.89, -0.14, -4.09, -2.64],
  ...[10.75, 4.92, -1.42, 0.43],
  ...[1.87, 4.24, 8.05, 5.39, 3.05],
  ...[1.84, 3.3, -1.99],
];
const flat = steps.indexOf(2);
const constant = -7.3451;

/** Whether a picture is a photograph rather than a drawing. Looks at all of it and at its four corners, each at 96 × 96 pixels, where
 * the noise of sensors and the ripples of JPEG are gone: photographs are smooth shades in many muted colours, drawings flat areas
 * in few. */
export async function looksLikePhotograph(picture: Picture): Promise<boolean> {
  const whole = features(await resizePicture(picture, { width: side, height: side }));
  // Nearly all of it in a few colours: no photograph, and far from anything that the weights were fitted on.
  if ((whole.at(-2) as number) > 0.97) return false;
  const copy = await resizePicture(picture, { width: large, height: large });
  const corners = [0, large - side].flatMap((top) =>
    [0, large - side].map((left) => features(cropPicture(copy, { left, top, width: side, height: side }))),
  );
  return [whole, ...corners].reduce((sum, values) => sum + score(values), 0) > 0;
}

function score(values: readonly number[]): number {
  const flatness = values[flat] as number;
  const weightOf = (i: number) => (weights[i] as number) + (weightsOfFlatness[i] as number) * flatness;
  return values.reduce((sum, value, i) => sum + value * weightOf(i), constant);
}

function features({ data }: Picture): readonly number[] {
  const at = (x: number, y: number, c: number): number => data[(y * side + x) * 3 + c] as number;
  const most = (value: (c: number) => number): number => Math.max(value(0), value(1), value(2));
  const step: number[] = [];
  const agreement: number[] = [];
  const bend: number[] = [];
  const saturation: number[] = [];
  const value: number[] = [];
  const colours = new Map<number, number>();
  const hueCounts = new Map<number, number>();
  const addStep = (x: number, y: number, r: number, g: number, b: number): void => {
    const [dr, dg, db] = [at(x, y, 0) - r, at(x, y, 1) - g, at(x, y, 2) - b];
    const [high, low] = [Math.max(dr, dg, db), Math.min(dr, dg, db)];
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
      if (x + 1 < side) addStep(x + 1, y, r, g, b);
      if (y + 1 < side) addStep(x, y + 1, r, g, b);
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
  edges.map((edge) => values.reduce((n, value) => n + Number(value <= edge), 0) / Math.max(1, values.length));

import { constant, type Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { conv } from "../ops/conv.ts";
import { maxPool } from "../ops/max-pool.ts";
import { multiply, scale } from "../ops/multiply.ts";
import { relu } from "../ops/relu.ts";
import { reshape } from "../ops/reshape.ts";
import { slice } from "../ops/slice.ts";
import { sumTo } from "../ops/sum-to.ts";
import { unitChannels } from "../ops/unit-channels.ts";
import type { NetworkWeights } from "./network-weights.ts";

export type LpipsTrunk = "vgg" | "alex";

interface Layer {
  /** Position in torchvision's `features`; names the weights. */
  readonly index: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
}

/** Five stages; each but the first begins with a max-pool where `pools` says so, and ends in the activations compared. */
interface Trunk {
  readonly pool: { readonly kernel: number; readonly stride: number };
  readonly pools: readonly boolean[];
  readonly stages: readonly (readonly Layer[])[];
}

const same = (...indices: readonly number[]): readonly Layer[] =>
  indices.map((index) => ({ index, kernel: 3, stride: 1, pad: 1 }));

/** VGG16 (Simonyan & Zisserman 2015), taps relu1_2, 2_2, 3_3, 4_3, 5_3; AlexNet (Krizhevsky 2014), taps relu1 … relu5. */
const trunks: Readonly<Record<LpipsTrunk, Trunk>> = {
  vgg: {
    pool: { kernel: 2, stride: 2 },
    pools: [false, true, true, true, true],
    stages: [same(0, 2), same(5, 7), same(10, 12, 14), same(17, 19, 21), same(24, 26, 28)],
  },
  alex: {
    pool: { kernel: 3, stride: 2 },
    pools: [false, true, true, false, false],
    stages: [
      [{ index: 0, kernel: 11, stride: 4, pad: 2 }],
      [{ index: 3, kernel: 5, stride: 1, pad: 2 }],
      same(6),
      same(8),
      same(10),
    ],
  },
};

/** Least height and width of a picture that every stage still sees something of. */
export const lpipsMinSide = 32;

/** LPIPS v0.1 (Zhang et al. 2018; the PyPI package lpips 0.1.4): a, b [B, 3, H, W] in [−1, 1] → [B], 0 for equal pictures.
 * Channels are standardised; the activations of five stages are divided by their norm over channels, their squared
 * differences weighted by a 1×1 head without bias, averaged over positions, and the five summed.
 * Weights by the package's own keys, `net.slice1.0.weight` … `lin4.model.1.weight`. @throws UserError bad_config */
export const lpips = (weights: NetworkWeights, trunk: LpipsTrunk, a: Value, b: Value): Value =>
  lpipsStages(weights, trunk, a, b).reduce(add);

/** What each of the five stages adds, [B] each. */
export function lpipsStages(weights: NetworkWeights, trunk: LpipsTrunk, a: Value, b: Value): readonly Value[] {
  const batch = a.shape[0] as number;
  let x = standardise(concat([a, b], 0));
  return trunks[trunk].stages.map((_, i) => {
    x = stage(weights, trunks[trunk], i, x);
    return stageDistance(weights, i, x, batch);
  });
}

/** (x − shift) / scale, ImageNet's statistics moved to [−1, 1]. */
function standardise(pixels: Value): Value {
  const perChannel = (numbers: readonly number[]): Value => constant(Float32Array.from(numbers), [1, 3, 1, 1]);
  const [shift, deviation] = [
    [-0.03, -0.088, -0.188],
    [0.458, 0.448, 0.45],
  ] as const;
  return multiply(add(pixels, perChannel(shift.map((s) => -s))), perChannel(deviation.map((d) => 1 / d)));
}

function stage(weights: NetworkWeights, { pool, pools, stages }: Trunk, index: number, input: Value): Value {
  let x = pools[index] ? maxPool(input, pool.kernel, pool.stride) : input;
  for (const { index: place, kernel, stride, pad } of stages[index] as readonly Layer[]) {
    const key = `net.slice${index + 1}.${place}`;
    const w = weights.weight(`${key}.weight`, [-1, x.shape[1] as number, kernel, kernel]);
    const bias = weights.weight(`${key}.bias`, [w.shape[0] as number]);
    x = relu(conv(x, w, bias, { stride, pads: [pad, pad, pad, pad] }));
  }
  return x;
}

/** One stage's share [B]; features: those of both pictures [2B, C, h, w]. */
function stageDistance(weights: NetworkWeights, index: number, features: Value, batch: number): Value {
  const [, channels, height, width] = features.shape as [number, number, number, number];
  const unit = unitChannels(features, 1e-10);
  const difference = add(slice(unit, 0, 0, batch), scale(slice(unit, 0, batch, 2 * batch), -1));
  const head = weights.weight(`lin${index}.model.1.weight`, [1, channels, 1, 1]);
  const weighted = conv(multiply(difference, difference), head, undefined);
  return reshape(scale(sumTo(weighted, [batch, 1, 1, 1]), 1 / (height * width)), [batch]);
}

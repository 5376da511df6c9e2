import { constant, type Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { conv } from "../ops/conv.ts";
import { maxPool } from "../ops/max-pool.ts";
import { multiply } from "../ops/multiply.ts";
import { relu } from "../ops/relu.ts";
import type { NetworkWeights } from "./network-weights.ts";

/** Least height and width of a picture with at least one position in both readings. */
export const inceptionMinSide = 24;

/** The first blocks of Inception-v3 (Szegedy et al. 2016) as SinGAN's SIFID reads them: pixels [B, 3, H, W] in [−1, 1] (the
 * 2x − 1 of the reference, no resize). `first`: after three convolutions, 64 channels; `second`: after a max-pool and two
 * more, before the second pooling, 192. Weights by torchvision's keys, `Conv2d_1a_3x3.conv.weight` …; normalisation with
 * running statistics. @throws UserError bad_config, bad_safetensors */
export function inceptionFeatures(
  weights: NetworkWeights,
  pixels: Value,
): { readonly first: Value; readonly second: Value } {
  let x = block(weights, "Conv2d_1a_3x3", pixels, { kernel: 3, stride: 2, pad: 0 });
  x = block(weights, "Conv2d_2a_3x3", x, { kernel: 3, stride: 1, pad: 0 });
  const first = block(weights, "Conv2d_2b_3x3", x, { kernel: 3, stride: 1, pad: 1 });
  x = block(weights, "Conv2d_3b_1x1", maxPool(first, 3, 2), { kernel: 1, stride: 1, pad: 0 });
  return { first, second: block(weights, "Conv2d_4a_3x3", x, { kernel: 3, stride: 1, pad: 0 }) };
}

interface Block {
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
}

/** Convolution without bias, batch normalisation (epsilon 0.001), ReLU. */
function block(weights: NetworkWeights, key: string, x: Value, { kernel, stride, pad }: Block): Value {
  const w = weights.weight(`${key}.conv.weight`, [-1, x.shape[1] as number, kernel, kernel]);
  const { factor, shift } = batchNorm(weights, `${key}.bn`, w.shape[0] as number);
  return relu(add(multiply(conv(x, w, undefined, { stride, pads: [pad, pad, pad, pad] }), factor), shift));
}

/** (x − mean) / √(variance + ε) · γ + β as one factor and one shift per channel. */
function batchNorm(weights: NetworkWeights, key: string, channels: number): { factor: Value; shift: Value } {
  const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((name) => {
    weights.weight(`${key}.${name}`, [channels]);
    return weights.read(`${key}.${name}`).data;
  }) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const factor = gamma.map((g, i) => g / Math.sqrt((variance[i] as number) + 0.001));
  const shift = beta.map((b, i) => b - (mean[i] as number) * (factor[i] as number));
  const shape = [1, channels, 1, 1];
  return { factor: constant(factor, shape), shift: constant(shift, shape) };
}

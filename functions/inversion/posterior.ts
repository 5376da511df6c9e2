import type { Model } from "../models/model.ts";
import { type Picture, toTensor } from "../tensor/pixels.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

/** The VAE's Gaussian over latents of one picture, each f32 [1, C, h, w], not scaled. */
export interface Posterior {
  readonly mean: Tensor;
  readonly deviation: Tensor;
}

export async function encodePosterior(model: Model, picture: Picture): Promise<Posterior> {
  const { mean, logVariance } = await model.encodePixels(toTensor(picture));
  // Clamped as in Rombach et al.'s DiagonalGaussianDistribution.
  const deviation = logVariance.data.map((l) => Math.exp(0.5 * Math.min(20, Math.max(-30, l))));
  return { mean, deviation: tensor(deviation, mean.shape) };
}

/** A draw from the posterior, scaled: f32 [1, C, h, w]. Noise of zeros gives the mean. */
export const drawLatents = ({ mean, deviation }: Posterior, noise: Tensor, scalingFactor: number): Tensor =>
  tensor(
    mean.data.map((m, i) => Math.fround(m + (deviation.data[i] as number) * (noise.data[i] as number)) * scalingFactor),
    mean.shape,
  );

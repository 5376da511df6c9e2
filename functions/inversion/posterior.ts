import type { Model } from "../models/model.ts";
import { mirror, type Picture, toTensor } from "../tensor/pixels.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

/** The VAE's Gaussian over latents of one picture, each f32 [1, C, h, w], not scaled. */
export interface Posterior {
  readonly mean: Tensor;
  readonly deviation: Tensor;
}

/** Encodes the picture and, for random flips, its mirror image: latents themselves must never be flipped. Once per
 * concept; the encoder costs more than a UNet call. */
export async function encodePosteriors(model: Model, picture: Picture, flip: boolean): Promise<readonly Posterior[]> {
  const posteriors: Posterior[] = [];
  for (const view of flip ? [picture, mirror(picture)] : [picture]) {
    const { mean, logVariance } = await model.encodePixels(toTensor(view));
    // Clamped as in Rombach et al.'s DiagonalGaussianDistribution.
    const deviation = logVariance.data.map((l) => Math.exp(0.5 * Math.min(20, Math.max(-30, l))));
    posteriors.push({ mean, deviation: tensor(deviation, mean.shape) });
  }
  return posteriors;
}

/** A draw from the posterior, scaled: f32 [1, C, h, w]. Noise of zeros gives the mean. */
export const drawLatents = ({ mean, deviation }: Posterior, noise: Tensor, scalingFactor: number): Tensor =>
  tensor(
    mean.data.map((m, i) => Math.fround(m + (deviation.data[i] as number) * (noise.data[i] as number)) * scalingFactor),
    mean.shape,
  );

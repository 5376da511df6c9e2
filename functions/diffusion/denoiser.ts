import type { Model, Prediction } from "../models/model.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type NoiseLevel, perPicture, signalOf } from "./noise-levels.ts";
import { weightedSum } from "./weighted-sum.ts";

/** What one output of the network says about a state. */
export interface Reading {
  /** x₀, the predicted clean latents. */
  readonly clean: Tensor;
  /** ε, the predicted noise. */
  readonly epsilon: Tensor;
}

/** Reads an output of the network at the state x = x₀ + σ ε. */
export type Read = (output: Tensor, x: Tensor, level: NoiseLevel) => Reading;

/** The two things a network may be trained to predict; nothing outside this file tells them apart.
 * epsilon: the noise itself (Ho et al. 2020). v = α ε − √(1 − α²) x₀ (Salimans & Ho 2022, appendix D). */
const predictions: Readonly<
  Record<
    Prediction,
    {
      read: Read;
      target: (signal: number, noise: number) => [number, number];
      epsilonShare: (alphaBar: number) => number;
    }
  >
> = {
  epsilon: {
    read: (output, x, { sigma }) => ({ clean: weightedSum([1, x], [-sigma, output]), epsilon: output }),
    target: () => [0, 1],
    epsilonShare: () => 1,
  },
  v_prediction: {
    read: (output, x, { sigma }) => {
      const alpha = signalOf(sigma);
      return {
        clean: weightedSum([alpha * alpha, x], [-sigma * alpha, output]),
        epsilon: weightedSum([sigma * alpha * alpha, x], [alpha, output]),
      };
    },
    target: (signal, noise) => [-noise, signal],
    epsilonShare: (alphaBar) => alphaBar,
  },
};

/** How to read the outputs of a model. */
export const readerOf = ({ prediction }: Pick<Model, "prediction">): Read => predictions[prediction].read;

/** What the network should have predicted for `addNoise(model, clean, noise, timesteps)`.
 * clean and noise: f32 [B, …]; one timestep 0…N − 1 per picture. */
export const target = (
  { alphasCumprod, prediction }: Pick<Model, "alphasCumprod" | "prediction">,
  clean: Tensor,
  noise: Tensor,
  timesteps: readonly number[],
): Tensor => perPicture(alphasCumprod, clean, noise, timesteps, predictions[prediction].target);

/** What a squared error of the network's output is multiplied by to be the squared error of the noise it implies: 1 where it
 * predicts the noise; ᾱ for v, since ε = σ α² x + α v at a given state. Losses of both kinds of model compare after it. */
export function epsilonShare(
  { alphasCumprod, prediction }: Pick<Model, "alphasCumprod" | "prediction">,
  timestep: number,
): number {
  return predictions[prediction].epsilonShare(alphasCumprod[timestep] as number);
}

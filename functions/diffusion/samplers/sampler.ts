import type { Tensor } from "../../tensor/tensor.ts";
import type { Read, Reading } from "../denoiser.ts";
import { type NoiseLevel, type NoiseSchedule, signalOf } from "../noise-levels.ts";

/** A way from noise to a picture. A new one is one file and one line of samplers/index.ts. */
export interface Sampler {
  readonly plan: (schedule: NoiseSchedule, steps: number) => Plan;
  /** A fresh rule: it may remember the calls of one batch. */
  readonly rule: () => StepRule;
}

/** Which noise levels a sampler visits. */
export interface Plan {
  /** The network is called at each level but the last, where sampling ends; a level may be visited twice. */
  readonly levels: readonly NoiseLevel[];
  /** Standard deviation of the state x that sampling starts from. */
  readonly start: number;
}

/** Moves the state after one call of the network. */
export type StepRule = (call: Call) => Tensor;

/** One call of the network and what it said. All tensors are f32 [B, C, h, w]. */
export interface Call extends Reading {
  /** The state x = x₀ + σ ε that the network was asked about. */
  readonly x: Tensor;
  /** Its output as it came; `clean` and `epsilon` are read from it. */
  readonly output: Tensor;
  readonly at: NoiseLevel;
  /** The level to move to. */
  readonly next: NoiseLevel;
  /** For rules that combine outputs before reading them. */
  readonly read: Read;
}

/** A plan that starts where the network sees noise of standard deviation 1. */
export const unitStart = (levels: readonly NoiseLevel[]): Plan => ({
  levels,
  start: 1 / signalOf(levels[0]?.sigma ?? 0),
});

/** The noise axis. Letters used in this folder:
 *
 * - t: timestep of training, 0…N − 1; fractional between two of them
 * - ᾱ: cumulative product of 1 − β up to t (Ho et al. 2020, eq. 4)
 * - σ: noise per unit of signal, √((1 − ᾱ) / ᾱ) (Karras et al. 2022, table 1, "VP")
 * - α = √ᾱ = 1 / √(1 + σ²): what is left of the signal
 * - x₀: clean latents; ε: standard normal noise
 * - x = x₀ + σ ε: the state that samplers move
 * - z = α x = √ᾱ x₀ + √(1 − ᾱ) ε: what the network sees
 */
import type { Model, TimestepSpacing } from "../models/model.ts";
import { concat, part } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { weightedSum } from "./weighted-sum.ts";

/** What of a model the noise axis depends on. */
export type NoiseSchedule = Pick<Model, "alphasCumprod" | "scheduler">;

/** One point of the noise axis. */
export interface NoiseLevel {
  readonly timestep: number;
  readonly sigma: number;
}

/** α of a level. */
export const signalOf = (sigma: number): number => 1 / Math.hypot(1, sigma);

const sigmaAt = ({ alphasCumprod }: NoiseSchedule, t: number): number => {
  const alphaBar = alphasCumprod[t];
  if (alphaBar === undefined) throw new Error(`noise-levels: timestep ${t} of ${alphasCumprod.length}`);
  return Math.sqrt((1 - alphaBar) / alphaBar);
};

/** Level at a timestep; σ is linear between two training timesteps. */
export function levelAt(schedule: NoiseSchedule, timestep: number): NoiseLevel {
  const below = Math.min(Math.floor(timestep), schedule.alphasCumprod.length - 2);
  const share = timestep - below;
  const low = sigmaAt(schedule, below);
  return { timestep, sigma: low + share * (sigmaAt(schedule, below + 1) - low) };
}

/** Timestep of a σ; linear in log σ between two training timesteps, the nearest end outside them. */
export function timestepOf(schedule: NoiseSchedule, sigma: number): number {
  const last = schedule.alphasCumprod.length - 1;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sigmaAt(schedule, middle) <= sigma) low = middle;
    else high = middle;
  }
  const [logLow, logHigh] = [Math.log(sigmaAt(schedule, low)), Math.log(sigmaAt(schedule, high))];
  const share = (Math.log(Math.max(sigma, 1e-10)) - logLow) / (logHigh - logLow);
  return low + Math.min(Math.max(share, 0), 1);
}

/** The level that sampling ends at: no noise at all, or the least noise the network was trained on. */
export const endLevel = (schedule: NoiseSchedule, end: "zero" | "first"): NoiseLevel => ({
  timestep: 0,
  sigma: end === "zero" ? 0 : sigmaAt(schedule, 0),
});

/** `steps` timesteps, noisiest first (Lin et al. 2024, table 2). Only linspace gives fractions.
 *
 * - leading: multiples of N / steps from 0 on, plus the checkpoint's offset; never quite reaches pure noise
 * - linspace: evenly from N − 1 to 0
 * - trailing: multiples of N / steps counted down from N */
export function spacedTimesteps({ alphasCumprod, scheduler }: NoiseSchedule, spacing: TimestepSpacing, steps: number) {
  const count = alphasCumprod.length;
  const leap = Math.floor(count / steps);
  const timestep: Readonly<Record<TimestepSpacing, (i: number) => number>> = {
    leading: (i) => (steps - 1 - i) * leap + scheduler.stepsOffset,
    linspace: (i) => (i === 0 ? count - 1 : (steps - 1 - i) * ((count - 1) / (steps - 1))),
    trailing: (i) => roundHalfEven(count - i * (count / steps)) - 1,
  };
  return Array.from({ length: steps }, (_, i) => timestep[spacing](i));
}

/** Whole timesteps, ending where the checkpoint says: shared by the samplers that predate σ. */
export function wholeLevels(schedule: NoiseSchedule, steps: number): NoiseLevel[] {
  const { spacing = "leading", setAlphaToOne } = schedule.scheduler;
  return [
    ...spacedTimesteps(schedule, spacing, steps).map((t) => levelAt(schedule, roundHalfEven(t))),
    endLevel(schedule, setAlphaToOne ? "zero" : "first"),
  ];
}

/** `steps` values of σ from most to least, evenly spaced in σ^(1/ρ), ρ = 7 (Karras et al. 2022, eq. 5). */
export function karrasSigmas(most: number, least: number, steps: number): number[] {
  const rho = 7;
  const [from, to] = [most ** (1 / rho), least ** (1 / rho)];
  return Array.from({ length: steps }, (_, i) => (from + (steps === 1 ? 0 : i / (steps - 1)) * (to - from)) ** rho);
}

/** To the nearest integer, halves to the even one, as NumPy's `round`: sampling schedules are defined by it. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** z = √ᾱ x₀ + √(1 − ᾱ) ε (Ho et al. 2020, eq. 4). clean and noise: f32 [B, …]; one timestep 0…N − 1 per picture. */
export function addNoise(
  { alphasCumprod }: Pick<NoiseSchedule, "alphasCumprod">,
  clean: Tensor,
  noise: Tensor,
  timesteps: readonly number[],
): Tensor {
  return perPicture(alphasCumprod, clean, noise, timesteps, (alpha, s) => [alpha, s]);
}

/** Mixes clean picture and noise, one pair of weights per picture, as functions of √ᾱ and √(1 − ᾱ). */
export function perPicture(
  alphasCumprod: Float64Array,
  clean: Tensor,
  noise: Tensor,
  timesteps: readonly number[],
  weights: (signal: number, noise: number) => readonly [clean: number, noise: number],
): Tensor {
  return concat(
    timesteps.map((t, i) => {
      const alphaBar = alphasCumprod[t];
      if (alphaBar === undefined) throw new Error(`noise-levels: timestep ${t} of ${alphasCumprod.length}`);
      const [a, b] = weights(Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar));
      return weightedSum([a, part(clean, i, i + 1)], [b, part(noise, i, i + 1)]);
    }),
  );
}

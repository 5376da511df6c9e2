import {
  endLevel,
  levelAt,
  type NoiseLevel,
  type NoiseSchedule,
  roundHalfEven,
  spacedTimesteps,
} from "../noise-levels.ts";
import { weightedSum } from "../weighted-sum.ts";
import { type Sampler, unitStart } from "./sampler.ts";

/** Whole timesteps, ending where the checkpoint says: shared by the samplers that predate σ. */
export function wholeLevels(schedule: NoiseSchedule, steps: number): NoiseLevel[] {
  const { spacing = "leading", setAlphaToOne } = schedule.scheduler;
  return [
    ...spacedTimesteps(schedule, spacing, steps).map((t) => levelAt(schedule, roundHalfEven(t))),
    endLevel(schedule, setAlphaToOne ? "zero" : "first"),
  ];
}

/** DDIM without added noise (Song et al. 2021, eq. 12, η = 0): the predicted clean picture, noised again with the
 * predicted noise to the next level. */
export const ddim: Sampler = {
  plan: (schedule, steps) => unitStart(wholeLevels(schedule, steps)),
  rule:
    () =>
    ({ clean, epsilon, next }) =>
      weightedSum([1, clean], [next.sigma, epsilon]),
};

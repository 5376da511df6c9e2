import {
  endLevel,
  karrasSigmas,
  levelAt,
  type NoiseLevel,
  type NoiseSchedule,
  spacedTimesteps,
  timestepOf,
} from "../noise-levels.ts";
import { weightedSum } from "../weighted-sum.ts";
import { type Plan, type Sampler, type StepRule, unitStart } from "./sampler.ts";

/** Euler's method on the probability-flow ODE dx/dσ = ε (Karras et al. 2022, algorithm 1 without churn). */
const rule =
  (): StepRule =>
  ({ x, epsilon, at, next }) =>
    weightedSum([1, x], [next.sigma - at.sigma, epsilon]);

/** Fractional timesteps are not rounded: the network is asked about exactly the σ it gets. */
function plan(schedule: NoiseSchedule, steps: number, spread: (levels: readonly NoiseLevel[]) => NoiseLevel[]): Plan {
  const { spacing = "linspace" } = schedule.scheduler;
  const levels = spacedTimesteps(schedule, spacing, steps).map((t) => levelAt(schedule, t));
  const all = [...spread(levels), endLevel(schedule, "zero")];
  // Spacings that begin at the last training timestep begin at pure noise: there the signal's share is dropped.
  return spacing === "leading" ? unitStart(all) : { levels: all, start: all[0]?.sigma ?? 0 };
}

export const euler: Sampler = { plan: (schedule, steps) => plan(schedule, steps, (levels) => [...levels]), rule };

/** Euler between the same first and last σ, spread after Karras et al. 2022, eq. 5. */
export const eulerKarras: Sampler = {
  plan: (schedule, steps) =>
    plan(schedule, steps, (levels) =>
      karrasSigmas(levels[0]?.sigma ?? 0, levels.at(-1)?.sigma ?? 0, steps).map((sigma) => ({
        sigma,
        timestep: timestepOf(schedule, sigma),
      })),
    ),
  rule,
};

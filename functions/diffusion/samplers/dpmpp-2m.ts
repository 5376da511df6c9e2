import type { Tensor } from "../../tensor/tensor.ts";
import { endLevel, karrasSigmas, levelAt, roundHalfEven, spacedTimesteps, timestepOf } from "../noise-levels.ts";
import { weightedSum } from "../weighted-sum.ts";
import { type Sampler, type StepRule, unitStart } from "./sampler.ts";

/** DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2) in λ = −log σ, with h = λ' − λ and x as the state:
 * x' = (σ'/σ) x + (1 − e^−h) D, where D extrapolates the clean picture linearly from this call and the one before.
 * The first step has none before it, and the step to σ' = 0 has no finite h: both take D = x₀. */
function rule(): StepRule {
  let before: { readonly clean: Tensor; readonly lambda: number } | undefined;
  return ({ x, clean, at, next }) => {
    const lambda = -Math.log(at.sigma);
    const h = -Math.log(next.sigma) - lambda;
    const slope = before !== undefined && Number.isFinite(h) ? h / (2 * (lambda - before.lambda)) : 0;
    const extrapolated = weightedSum([1 + slope, clean], [-slope, before?.clean ?? clean]);
    before = { clean, lambda };
    return weightedSum([next.sigma / at.sigma, x], [-Math.expm1(-h), extrapolated]);
  };
}

/** The least noisy timestep of a spacing is left to the final step to σ = 0, except of trailing, which has none. */
export const dpmpp2m: Sampler = {
  plan: (schedule, steps) => {
    const { spacing = "linspace" } = schedule.scheduler;
    const extra = spacing === "trailing" ? 0 : 1;
    const timesteps = spacedTimesteps(schedule, spacing, steps + extra).slice(0, steps);
    return unitStart([...timesteps.map((t) => levelAt(schedule, roundHalfEven(t))), endLevel(schedule, "zero")]);
  },
  rule,
};

/** DPM++ 2M over all of the training noise, spread after Karras et al. 2022, eq. 5. */
export const dpmpp2mKarras: Sampler = {
  plan: (schedule, steps) => {
    const most = levelAt(schedule, schedule.alphasCumprod.length - 1).sigma;
    const sigmas = karrasSigmas(most, levelAt(schedule, 0).sigma, steps);
    const levels = sigmas.map((sigma) => ({ sigma, timestep: roundHalfEven(timestepOf(schedule, sigma)) }));
    return unitStart([...levels, endLevel(schedule, "zero")]);
  },
  rule,
};

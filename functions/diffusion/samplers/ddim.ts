import { wholeLevels } from "../noise-levels.ts";
import { weightedSum } from "../weighted-sum.ts";
import { type Sampler, unitStart } from "./sampler.ts";

/** DDIM without added noise (Song et al. 2021, eq. 12, η = 0): the predicted clean picture, noised again with the
 * predicted noise to the next level. */
export const ddim: Sampler = {
  plan: (schedule, steps) => unitStart(wholeLevels(schedule, steps)),
  rule:
    () =>
    ({ clean, epsilon, next }) =>
      weightedSum([1, clean], [next.sigma, epsilon]),
};

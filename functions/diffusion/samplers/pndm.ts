import type { Tensor } from "../../tensor/tensor.ts";
import { type NoiseLevel, wholeLevels } from "../noise-levels.ts";
import { weightedSum } from "../weighted-sum.ts";
import { type Call, type Sampler, type StepRule, unitStart } from "./sampler.ts";

/** PNDM's transfer (Liu et al. 2022, eq. 9) of a state between two levels along one output; in x it is a line. The
 * output is read at the state it moves, whichever calls it was combined from: published figures for v depend on it. */
export function transfer({ read }: Call, output: Tensor, x: Tensor, from: NoiseLevel, to: NoiseLevel): Tensor {
  return weightedSum([1, x], [to.sigma - from.sigma, read(output, x, from).epsilon]);
}

/** Adams–Bashforth weights, newest output first (Liu et al. 2022, eq. 12, and its lower orders). */
const adamsBashforth = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/** Linear multistep over the newest four outputs; `outputs` are those of earlier calls, oldest first. */
export function multistep(outputs: Tensor[]): StepRule {
  return (call) => {
    outputs.push(call.output);
    if (outputs.length > adamsBashforth.length) outputs.shift();
    const newest = outputs.toReversed();
    const weights = adamsBashforth[newest.length - 1] ?? [];
    const combined = weightedSum(...newest.map((output, i) => [weights[i] ?? 0, output] as const));
    return transfer(call, combined, call.x, call.at, call.next);
  };
}

/** Pseudo linear multistep (Liu et al. 2022) without Runge–Kutta, as Stable Diffusion's checkpoints ship it: the first
 * step is taken twice, the second time along the mean of the outputs at both of its ends (Heun's method). */
export const pndm: Sampler = {
  plan: (schedule, steps) => {
    const [first, second, ...rest] = wholeLevels(schedule, steps);
    const twice = rest.length > 0 ? [second, second] : [second];
    return unitStart([first, ...twice, ...rest].filter((level) => level !== undefined));
  },
  rule: () => {
    const outputs: Tensor[] = [];
    const later = multistep(outputs);
    let calls = 0;
    let origin: Call | undefined;
    return (call) => {
      calls++;
      if (calls !== 2 || origin === undefined) {
        origin ??= call;
        return later(call);
      }
      const mean = weightedSum([1 / 2, origin.output], [1 / 2, call.output]);
      return transfer(call, mean, origin.x, origin.at, call.next);
    };
  },
};

import { UserError } from "../../../shared/error.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { levelAt, wholeLevels } from "../noise-levels.ts";
import { weightedSum } from "../weighted-sum.ts";
import { multistep, transfer } from "./pndm.ts";
import { type Call, type Sampler, unitStart } from "./sampler.ts";

/** Steps that begin with Runge–Kutta, so that the multistep rule has its four outputs. */
const warmUpSteps = 3;

/** PNDM as published (Liu et al. 2022, algorithm 2): three pseudo Runge–Kutta steps of four calls each (eq. 13), then
 * linear multistep. Costs nine calls more than its steps. @throws UserError bad_request below four steps */
export const pndmPrk: Sampler = {
  plan: (schedule, steps) => {
    if (steps <= warmUpSteps) {
      throw new UserError("bad_request", `the sampler pndm-prk needs at least ${warmUpSteps + 1} steps, got ${steps}`);
    }
    const levels = wholeLevels(schedule, steps).flatMap((level, i, all) => {
      const next = all[i + 1];
      if (i >= warmUpSteps || next === undefined) return [level];
      const middle = levelAt(schedule, Math.floor((level.timestep + next.timestep) / 2));
      return [level, middle, middle, next];
    });
    return unitStart(levels);
  },
  rule: () => {
    const outputs: Tensor[] = [];
    const later = multistep(outputs);
    let group: Call[] = [];
    return (call) => {
      if (outputs.length >= warmUpSteps && group.length === 0) return later(call);
      const origin = group[0] ?? call;
      group.push(call);
      if (group.length < 4) return transfer(call, call.output, origin.x, origin.at, call.next);
      const mean = weightedSum(...group.map(({ output }, i) => [i === 0 || i === 3 ? 1 / 6 : 1 / 3, output] as const));
      outputs.push(origin.output);
      group = [];
      return transfer(call, mean, origin.x, origin.at, call.next);
    };
  },
};

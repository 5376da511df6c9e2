import { expect, test } from "vitest";
import { readerOf } from "../../functions/diffusion/denoiser.ts";
import { levelAt, signalOf } from "../../functions/diffusion/noise-levels.ts";
import { ddim } from "../../functions/diffusion/samplers/ddim.ts";
import { dpmpp2m } from "../../functions/diffusion/samplers/dpmpp-2m.ts";
import { euler, eulerKarras } from "../../functions/diffusion/samplers/euler.ts";
import { pndmPrk } from "../../functions/diffusion/samplers/pndm-prk.ts";
import { type Plan, type Sampler, unitStart } from "../../functions/diffusion/samplers/sampler.ts";
import { weightedSum } from "../../functions/diffusion/weighted-sum.ts";
import type { Prediction } from "../../functions/models/model.ts";
import { alphasCumprod } from "../../functions/models/noise-schedule.ts";
import { type Tensor, tensor } from "../../functions/tensor/tensor.ts";

/** The set-up of diffusers' own sampler tests: linear betas, 10 steps, and a network that returns x·t / (t + 1). */
interface SetUp {
  readonly prediction?: Prediction;
  readonly timesteps?: number;
  readonly betaStart?: number;
  readonly stepsOffset?: number;
  readonly setAlphaToOne?: boolean;
  readonly plan?: (plan: Plan, schedule: Parameters<Sampler["plan"]>[0]) => Plan;
  /** Whether the test hands the scaled network input on to the step, as the one of Euler's sampler does. */
  readonly keepsScaled?: boolean;
}

/** arange(768).reshape(3, 8, 8, 4) / 768, permuted (3, 0, 1, 2). */
function start(): Tensor {
  const data = Float32Array.from({ length: 768 }, (_, i) => ((i % 192) * 4 + Math.floor(i / 192)) / 768);
  return tensor(data, [4, 3, 8, 8]);
}

function absolutes(sampler: Sampler, setUp: SetUp): number[] {
  const { prediction = "epsilon", timesteps = 1000, betaStart = 1e-4, stepsOffset = 0, setAlphaToOne = true } = setUp;
  const schedule = {
    alphasCumprod: alphasCumprod({ schedule: "linear", betaStart, betaEnd: 0.02, timesteps }),
    scheduler: { stepsOffset, setAlphaToOne },
  };
  const { levels, start: scale } = setUp.plan?.(sampler.plan(schedule, 10), schedule) ?? sampler.plan(schedule, 10);
  const rule = sampler.rule();
  const read = readerOf({ prediction });
  let x = weightedSum([scale, start()]);
  for (const [i, next] of levels.slice(1).entries()) {
    const at = levels[i] ?? next;
    const seen = weightedSum([signalOf(at.sigma), x]);
    if (setUp.keepsScaled) x = seen;
    const output = tensor(
      seen.data.map((value) => (value * at.timestep) / (at.timestep + 1)),
      seen.shape,
    );
    x = rule({ x, output, ...read(output, x, at), at, next, read });
  }
  return Array.from(weightedSum([signalOf(levels.at(-1)?.sigma ?? 0), x]).data, Math.abs);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;

/** diffusers tests DPM-Solver++ with its last step not to σ = 0 but to the σ of timestep 0, at second order. */
const toFirstSigma: SetUp = {
  plan: ({ levels }, schedule) => unitStart([...levels.slice(0, -1), levelAt(schedule, 0)]),
};
const v: SetUp = { prediction: "v_prediction" };
const oldPndm: SetUp = { setAlphaToOne: false };

const figures: readonly (readonly [string, Sampler, SetUp, (values: readonly number[]) => number, number])[] = [
  ["DDIM", ddim, {}, sum, 172.0067],
  ["DDIM, v", ddim, v, sum, 52.5302],
  ["DDIM, set_alpha_to_one", ddim, { betaStart: 0.01 }, sum, 149.8295],
  ["DDIM, not set_alpha_to_one", ddim, { betaStart: 0.01, setAlphaToOne: false }, sum, 149.0784],
  ["Euler", euler, { timesteps: 1100, keepsScaled: true }, sum, 10.0807],
  ["Euler Karras", eulerKarras, { timesteps: 1100, keepsScaled: true }, sum, 124.523],
  ["DPM++ 2M", dpmpp2m, toFirstSigma, mean, 0.3301],
  ["DPM++ 2M, v", dpmpp2m, { ...toFirstSigma, ...v }, mean, 0.2251],
  ["PNDM", pndmPrk, oldPndm, sum, 198.1318],
  ["PNDM, v", pndmPrk, { ...oldPndm, ...v }, sum, 67.3986],
];

test.each(figures)("%s gives the figure of diffusers' own tests", (name, sampler, setUp, measure, figure) => {
  const value = measure(absolutes(sampler, setUp));
  console.log(`${name}: ${value.toFixed(4)} (published ${figure})`);
  // They were summed in f32 and rounded; diffusers itself allows 1e-2 on sums and 1e-3 on means.
  expect(Math.abs(value - figure)).toBeLessThan(measure === sum ? 5e-4 : 5e-5);
});

test("PNDM visits the timesteps of diffusers' own tests", () => {
  const schedule = {
    alphasCumprod: alphasCumprod({ schedule: "linear", betaStart: 1e-4, betaEnd: 0.02, timesteps: 1000 }),
    scheduler: { stepsOffset: 1, setAlphaToOne: false },
  };
  const timesteps = pndmPrk
    .plan(schedule, 10)
    .levels.slice(0, -1)
    .map(({ timestep }) => timestep);
  console.log(`PNDM timesteps: ${timesteps}`);
  expect(timesteps).toEqual([
    901, 851, 851, 801, 801, 751, 751, 701, 701, 651, 651, 601, 601, 501, 401, 301, 201, 101, 1,
  ]);
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sample } from "../../functions/diffusion/sample.ts";
import { samplers } from "../../functions/diffusion/samplers/index.ts";
import type { Prediction, TimestepSpacing } from "../../functions/models/model.ts";
import { alphasCumprod, betaSchedules } from "../../functions/models/noise-schedule.ts";
import { parse } from "../../functions/tensor/safetensors.ts";
import { zeros } from "../../functions/tensor/tensor.ts";
import type { SamplerName } from "../../shared/job.ts";
import { closedFormModel, stableDiffusion } from "../support/closed-form-model.ts";
import { drain } from "../support/drain.ts";

const golden = parse(readFileSync(new URL("../golden/samplers.safetensors", import.meta.url))).tensors;
const expected = (name: string) => {
  const found = golden.get(name);
  if (!found) throw new Error(`samplers.safetensors lacks ${name}`);
  return found;
};
const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? Number.NaN))), 0);

test.each(betaSchedules)("the cumulative alphas of the %s schedule are diffusers' own, bit for bit", (schedule) => {
  expect(Float32Array.from(alphasCumprod({ ...stableDiffusion, schedule }))).toEqual(
    expected(`alphas ${schedule}`).data,
  );
});

const runs = [...golden.keys()].filter((key) => key.endsWith(" latents")).map((key) => key.replace(" latents", ""));

test("every sampler has a golden for both predictions at 7 and at 20 steps", () => {
  for (const name of Object.keys(samplers)) {
    for (const prediction of ["epsilon", "v_prediction"]) {
      for (const steps of [7, 20]) expect(runs).toContain(`${name} ${prediction} ${steps} default`);
    }
  }
});

test.each(runs)("%s: latents within 1e-5 of diffusers', at the same timesteps", async (run) => {
  const [sampler, prediction, steps, spacing] = run.split(" ") as [SamplerName, Prediction, string, string];
  const { model, calls } = closedFormModel((z, t) => 0.2 * Math.sin(1.7 * z + t / 300) + z * (t / (t + 100)), {
    prediction,
    scheduler: {
      stepsOffset: 1,
      setAlphaToOne: false,
      ...(spacing !== "default" && { spacing: spacing as TimestepSpacing }),
    },
  });
  const noise = expected("noise");
  const { returned } = await drain(
    sample({ model, sampler, steps: Number(steps), context: zeros([1, 1, 1]), guidance: 1, seeds: [0, 1], noise }),
  );
  expect(returned.shape).toEqual(noise.shape);
  const timesteps = Float32Array.from(calls, ({ timestep }) => timestep);
  expect(largestDifference(timesteps, expected(`${run} timesteps`).data)).toBeLessThan(1e-3);
  const error = largestDifference(returned.data, expected(`${run} latents`).data);
  console.log(`${run}: largest error ${error.toExponential(1)}`);
  expect(error).toBeLessThanOrEqual(1e-5);
});

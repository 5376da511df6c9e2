import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signalOf } from "../../functions/diffusion/noise-levels.ts";
import { type SampleOptions, sample } from "../../functions/diffusion/sample.ts";
import { samplers } from "../../functions/diffusion/samplers/index.ts";
import type { Prediction } from "../../functions/models/model.ts";
import { alphasCumprod } from "../../functions/models/noise-schedule.ts";
import { part } from "../../functions/tensor/batch.ts";
import { tensor, zeros } from "../../functions/tensor/tensor.ts";
import { type SamplerName, samplerNames } from "../../shared/job.ts";
import { closedFormModel, type Formula, stableDiffusion } from "../support/closed-form-model.ts";
import { drain } from "../support/drain.ts";

const alphaBars = alphasCumprod(stableDiffusion);
/** √ᾱ and √(1 − ᾱ), also between two timesteps. */
function levelOf(timestep: number): { alpha: number; s: number } {
  const below = Math.min(Math.floor(timestep), 998);
  const sigmaAt = (t: number) => Math.sqrt((1 - (alphaBars[t] ?? 0)) / (alphaBars[t] ?? 0));
  const sigma = sigmaAt(below) + (timestep - below) * (sigmaAt(below + 1) - sigmaAt(below));
  return { alpha: signalOf(sigma), s: sigma * signalOf(sigma) };
}

/** The best possible network for data whose every number is `point`. */
const onePoint =
  (point: number, prediction: Prediction): Formula =>
  (z, timestep) => {
    const { alpha, s } = levelOf(timestep);
    const epsilon = (z - alpha * point) / s;
    return prediction === "epsilon" ? epsilon : alpha * epsilon - s * point;
  };

/** Two samplers are off a little by design: DPM++ Karras asks about rounded timesteps, and PNDM mixes outputs before
 * reading them, which is exact for noise and not for v. */
function toleranceOf(sampler: SamplerName, prediction: Prediction): number {
  if (sampler === "dpmpp-2m-karras") return 2e-2;
  return sampler.startsWith("pndm") && prediction === "v_prediction" ? 1e-1 : 1e-4;
}

const anyNetwork: Formula = (z, timestep, context) => Math.sin(z * 1.3 + timestep / 200) * 0.5 + context * 0.1;
const context = tensor(Float32Array.of(1, 0), [1, 1, 2]);
const options = (change: Partial<SampleOptions> & Pick<SampleOptions, "model">): SampleOptions => ({
  sampler: "dpmpp-2m",
  steps: 6,
  context,
  guidance: 1,
  seeds: [1],
  ...change,
});

describe.each(samplerNames)("%s", (sampler) => {
  test.each(["epsilon", "v_prediction"] as const)("finds the one point that the data has, %s", async (prediction) => {
    const scheduler = { stepsOffset: 1, setAlphaToOne: true };
    const { model } = closedFormModel(onePoint(0.7, prediction), { prediction, scheduler });
    const { returned } = await drain(sample(options({ model, sampler, seeds: [1, 2] })));
    expect(Math.max(...returned.data.map((value) => Math.abs(value - 0.7)))).toBeLessThan(
      toleranceOf(sampler, prediction),
    );
  });

  test("gives a picture that depends on its seed alone, however pictures are batched", async () => {
    const { model } = closedFormModel(anyNetwork);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 6 }),
        async (seeds, maxBatch) => {
          const negativeContext = zeros([1, 1, 2]);
          const { returned } = await drain(
            sample(options({ model, sampler, seeds, maxBatch, guidance: 3, negativeContext })),
          );
          for (const [i, seed] of seeds.entries()) {
            const alone = await drain(sample(options({ model, sampler, seeds: [seed], guidance: 3, negativeContext })));
            expect(part(returned, i, i + 1)).toEqual(alone.returned);
          }
        },
      ),
      { numRuns: 5 },
    );
  });

  test("reports every call of the network, and as many as it announced", async () => {
    const { model, calls } = closedFormModel(anyNetwork);
    const { yielded } = await drain(sample(options({ model, sampler, seeds: [1, 2, 3], maxBatch: 2 })));
    expect(yielded.map(({ done }) => done)).toEqual(calls.map((_, i) => i + 1));
    expect(new Set(yielded.map(({ total }) => total))).toEqual(new Set([calls.length]));
    expect(yielded[0]?.first).toBe(0);
    expect(yielded.at(-1)?.first).toBe(1);
    expect(yielded.at(-1)?.clean.shape).toEqual([2, 4, 4, 4]);
  });
});

/** Data of standard deviation c: its probability-flow ODE has the solution x(σ) ∝ √(c² + σ²) (Karras et al. 2022). */
async function errorOnGaussian(sampler: SamplerName, steps: number): Promise<number> {
  const c = 0.5;
  const { model } = closedFormModel(
    (z, timestep) => {
      const { alpha, s } = levelOf(timestep);
      return (s * z) / (alpha * alpha * c * c + s * s);
    },
    { scheduler: { stepsOffset: 1, setAlphaToOne: true } },
  );
  const noise = tensor(Float32Array.of(1), [1, 1]);
  const plan = samplers[sampler].plan(model, steps);
  const { returned } = await drain(sample(options({ model, sampler, steps, noise })));
  const exact = plan.start * (c / Math.hypot(c, plan.levels[0]?.sigma ?? 0));
  return Math.abs((returned.data[0] ?? Number.NaN) / exact - 1);
}

test.each(samplerNames)("%s: more steps come closer to the exact solution", async (sampler) => {
  const [few, more] = [await errorOnGaussian(sampler, 10), await errorOnGaussian(sampler, 80)];
  console.log(`${sampler}: relative error ${few.toFixed(4)} at 10 steps, ${more.toFixed(4)} at 80`);
  expect(more).toBeLessThan(few / 3);
});

test("guidance 1 calls the network with the prompt alone, other guidance once with both", async () => {
  const negativeContext = zeros([1, 1, 2]);
  const plain = closedFormModel(anyNetwork);
  await drain(sample(options({ model: plain.model, seeds: [1, 2], negativeContext })));
  expect(plain.calls.map(({ batch }) => batch)).toEqual(new Array(6).fill(2));
  const guided = closedFormModel(anyNetwork);
  await drain(sample(options({ model: guided.model, seeds: [1, 2], guidance: 7.5, negativeContext })));
  expect(guided.calls.map(({ batch }) => batch)).toEqual(new Array(6).fill(4));
});

test("guidance goes from the negative prompt through the prompt and beyond", async () => {
  const { model } = closedFormModel((_z, _timestep, value) => value, { prediction: "epsilon" });
  const run = (change: Partial<SampleOptions>) => drain(sample(options({ model, sampler: "euler", ...change })));
  const half = (value: number) => tensor(Float32Array.of(value, 0), [1, 1, 2]);
  const guided = await run({ context: half(2), negativeContext: half(1), guidance: 3 });
  const plain = await run({ context: half(1 + 3 * (2 - 1)) });
  expect(guided.returned).toEqual(plain.returned);
});

test("each picture may have a context of its own", async () => {
  const { model } = closedFormModel(anyNetwork);
  const both = tensor(Float32Array.of(1, 0, 5, 0), [2, 1, 2]);
  const { returned } = await drain(sample(options({ model, seeds: [3, 3], context: both, maxBatch: 1 })));
  const alone = await drain(sample(options({ model, seeds: [3], context: part(both, 1, 2) })));
  expect(part(returned, 1, 2)).toEqual(alone.returned);
  expect(part(returned, 0, 1)).not.toEqual(alone.returned);
});

test("an abort stops before the next call of the network", async () => {
  const { model, calls } = closedFormModel(anyNetwork);
  const stop = new AbortController();
  const run = sample(options({ model, steps: 50, signal: stop.signal }));
  await run.next();
  await run.next();
  stop.abort(new Error("enough"));
  await expect(run.next()).rejects.toThrow("enough");
  expect(calls).toHaveLength(2);
});

test("an abort during a call stops when the call returns", async () => {
  const stop = new AbortController();
  const { model, calls } = closedFormModel(anyNetwork);
  const predict: typeof model.predict = (...call) => {
    if (calls.length === 3) stop.abort(new Error("enough"));
    return model.predict(...call);
  };
  await expect(drain(sample(options({ model: { ...model, predict }, signal: stop.signal })))).rejects.toThrow("enough");
  expect(calls).toHaveLength(4);
});

test("pictures of another size than the model's own are drawn when asked for", async () => {
  const { model } = closedFormModel(anyNetwork);
  const { returned } = await drain(sample(options({ model, latentShape: [4, 2, 6], seeds: [1, 2] })));
  expect(returned.shape).toEqual([2, 4, 2, 6]);
});

test("unusable requests and damaged networks each give one clear error", async () => {
  const { model } = closedFormModel(anyNetwork);
  const damaged = closedFormModel((z, timestep) => (timestep < 500 ? Number.NaN : z)).model;
  const run = (change: Partial<SampleOptions>) => drain(sample(options({ model, ...change })));
  await expect(run({ steps: 0 })).rejects.toThrow("steps must be a whole number from 1 to 150, got 0");
  await expect(run({ steps: 2.5 })).rejects.toThrow("got 2.5");
  await expect(run({ seeds: [] })).rejects.toThrow("at least one picture");
  await expect(run({ guidance: Number.NaN, negativeContext: context })).rejects.toThrow("guidance must be a number");
  await expect(run({ sampler: "pndm-prk", steps: 3 })).rejects.toThrow("needs at least 4 steps");
  await expect(run({ model: damaged })).rejects.toThrow(/finite numbers from the network at timestep \d+/);
});

test("a single step is enough for every sampler that takes it", async () => {
  const { model } = closedFormModel(anyNetwork);
  for (const sampler of samplerNames.filter((name) => name !== "pndm-prk")) {
    const { yielded } = await drain(sample(options({ model, sampler, steps: 1 })));
    expect(yielded).toHaveLength(1);
  }
});

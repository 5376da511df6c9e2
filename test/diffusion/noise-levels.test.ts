import fc from "fast-check";
import { expect, test } from "vitest";
import { readerOf, target } from "../../functions/diffusion/denoiser.ts";
import {
  addNoise,
  karrasSigmas,
  levelAt,
  roundHalfEven,
  signalOf,
  spacedTimesteps,
  timestepOf,
} from "../../functions/diffusion/noise-levels.ts";
import { weightedSum } from "../../functions/diffusion/weighted-sum.ts";
import { alphasCumprod } from "../../functions/models/noise-schedule.ts";
import { normal } from "../../functions/tensor/noise.ts";
import { zeros } from "../../functions/tensor/tensor.ts";
import { stableDiffusion } from "../support/closed-form-model.ts";

const schedule = {
  alphasCumprod: alphasCumprod(stableDiffusion),
  scheduler: { stepsOffset: 1, setAlphaToOne: false },
};
const timestep = fc.integer({ min: 0, max: 999 });

test("σ and timestep are inverses of each other at every training timestep", () => {
  fc.assert(
    fc.property(timestep, (t) => {
      expect(timestepOf(schedule, levelAt(schedule, t).sigma)).toBeCloseTo(t, 6);
    }),
  );
});

test("between two timesteps σ rises, and its timestep lies between them", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 998.999, noNaN: true }), (t) => {
      const { sigma } = levelAt(schedule, t);
      expect(sigma).toBeGreaterThanOrEqual(levelAt(schedule, Math.floor(t)).sigma);
      expect(sigma).toBeLessThanOrEqual(levelAt(schedule, Math.floor(t) + 1).sigma);
      expect(Math.abs(timestepOf(schedule, sigma) - t)).toBeLessThan(1);
    }),
  );
});

test("noise beyond either end of training gets the timestep of that end", () => {
  expect(timestepOf(schedule, 0)).toBe(0);
  expect(timestepOf(schedule, 1e6)).toBe(999);
});

test("all three spacings give as many timesteps as steps, descending, within training", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 150 }),
      fc.constantFrom("leading", "linspace", "trailing"),
      (steps, spacing) => {
        const timesteps = spacedTimesteps(schedule, spacing, steps);
        expect(timesteps).toHaveLength(steps);
        expect(timesteps).toEqual([...new Set(timesteps)].sort((a, b) => b - a));
        expect(Math.max(...timesteps)).toBeLessThanOrEqual(999);
        expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});

test("the spacings are those of the paper's table for ten steps", () => {
  expect(spacedTimesteps(schedule, "leading", 10)).toEqual([901, 801, 701, 601, 501, 401, 301, 201, 101, 1]);
  expect(spacedTimesteps(schedule, "trailing", 10)).toEqual([999, 899, 799, 699, 599, 499, 399, 299, 199, 99]);
  expect(spacedTimesteps(schedule, "linspace", 10)).toEqual([999, 888, 777, 666, 555, 444, 333, 222, 111, 0]);
});

test("Karras levels go from most to least, ever more slowly", () => {
  const sigmas = karrasSigmas(14.6, 0.03, 8);
  expect(sigmas[0]).toBeCloseTo(14.6, 10);
  expect(sigmas.at(-1)).toBeCloseTo(0.03, 10);
  const drops = sigmas.slice(1).map((sigma, i) => (sigmas[i] ?? 0) - sigma);
  expect(drops).toEqual(drops.toSorted((a, b) => b - a));
});

test("halves round to the even neighbour", () => {
  expect([0.5, 1.5, 2.5, 166.5, 937.5, -0.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, 166, 938, -0, 2, 3]);
});

test("what a network is trained to predict, read at the noised picture, gives back picture and noise", () => {
  const shape = [3, 2, 2];
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom("epsilon", "v_prediction"), timestep, (seed, prediction, t) => {
      const clean = normal(shape, { seed, stream: "clean" });
      const noise = normal(shape, { seed, stream: "noise" });
      const timesteps = [t, t, t];
      const level = levelAt(schedule, t);
      const z = addNoise(schedule, clean, noise, timesteps);
      const x = weightedSum([1 / signalOf(level.sigma), z]);
      const output = target({ ...schedule, prediction }, clean, noise, timesteps);
      const reading = readerOf({ prediction })(output, x, level);
      for (let i = 0; i < clean.data.length; i++) {
        expect(reading.clean.data[i]).toBeCloseTo(clean.data[i] ?? 0, 4);
        expect(reading.epsilon.data[i]).toBeCloseTo(noise.data[i] ?? 0, 4);
      }
    }),
    { numRuns: 50 },
  );
});

test("each picture of a batch is noised by its own timestep", () => {
  const clean = normal([2, 3], { seed: 1, stream: "clean" });
  const z = addNoise(schedule, clean, zeros([2, 3]), [0, 999]);
  expect(z.data[0]).toBeCloseTo((clean.data[0] ?? 0) * Math.sqrt(schedule.alphasCumprod[0] ?? 0), 6);
  expect(z.data[3]).toBeCloseTo((clean.data[3] ?? 0) * Math.sqrt(schedule.alphasCumprod[999] ?? 0), 6);
  expect(() => addNoise(schedule, clean, clean, [0, 1000])).toThrow("timestep 1000 of 1000");
});

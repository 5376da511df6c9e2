import fc from "fast-check";
import { expect, test } from "vitest";
import { emphasisAt, emphasise } from "../../functions/inversion/large-timesteps.ts";

const alphas = fc.double({ min: 0, max: 1, noNaN: true });
const uniforms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("the draw inverts the distribution function: F(emphasise(u)) = u", () => {
  fc.assert(
    fc.property(uniforms, alphas, (u, alpha) => {
      const x = emphasise(u, alpha);
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThan(1);
      expect(x - (alpha / Math.PI) * Math.sin(Math.PI * x)).toBeCloseTo(u, 12);
    }),
  );
});

test("it is monotone, so strata keep their order; alpha 0 gives every draw back bit for bit", () => {
  fc.assert(
    fc.property(uniforms, uniforms, alphas, (a, b, alpha) => {
      if (a < b) expect(emphasise(a, alpha)).toBeLessThanOrEqual(emphasise(b, alpha));
      expect(emphasise(a, 0)).toBe(a);
    }),
  );
});

test("no timestep is drawn more than 1 + alpha or less than 1 − alpha times as often as without", () => {
  const alpha = 0.5;
  const counts = new Array<number>(20).fill(0);
  const draws = 100_000;
  for (let i = 0; i < draws; i++) {
    const bin = Math.floor(emphasise((i + 0.5) / draws, alpha) * counts.length);
    counts[bin] = (counts[bin] as number) + 1;
  }
  for (const [bin, count] of counts.entries()) {
    const density = (count / draws) * counts.length;
    expect(density).toBeGreaterThan(1 - alpha);
    expect(density).toBeLessThan(1 + alpha);
    // The bin's mean density, from F.
    const F = (x: number) => x - (alpha / Math.PI) * Math.sin(Math.PI * x);
    expect(density).toBeCloseTo((F((bin + 1) / 20) - F(bin / 20)) * 20, 2);
  }
});

test("the emphasis is full at the first step and gone from the middle of the run on", () => {
  const options = { largeTimesteps: 0.5, steps: 100 };
  expect([0, 25, 50, 99].map((step) => emphasisAt(options, step))).toEqual([0.5, 0.25, 0, 0]);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { directionStep, lengthOf, tangent, unit } from "../../functions/inversion/direction.ts";
import { learningRateAt } from "../../functions/inversion/learning-rate.ts";
import { tensor } from "../../functions/tensor/tensor.ts";

const value = fc.double({ min: -3, max: 3, noNaN: true });
const vectors = (count: number) =>
  fc.integer({ min: 2, max: 12 }).chain((width) =>
    fc.record({
      width: fc.constant(width),
      parts: fc.array(fc.array(value, { minLength: width, maxLength: width }), { minLength: count, maxLength: count }),
    }),
  );
const rowOf = (values: readonly number[]) => tensor(Float32Array.from(values), [1, values.length]);
const cosine = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

test("a row keeps its initial norm to rounding, however many steps and however large the gradient", () => {
  fc.assert(
    fc.property(vectors(3), fc.double({ min: 1e-3, max: 1, noNaN: true }), ({ parts }, learningRate) => {
      const [initial, gradient, push] = parts as [number[], number[], number[]];
      const start = rowOf(initial);
      const norm = lengthOf(start.data);
      fc.pre(norm > 1e-3);
      let rows = start;
      for (let i = 0; i < 50; i++) {
        const g = Float32Array.from(i % 2 ? gradient : push, (x) => x * 10 ** (i % 7));
        rows = directionStep(rows, g, start, { learningRate, priorPull: 1e-4 });
      }
      expect(Math.abs(lengthOf(rows.data) / norm - 1)).toBeLessThan(1e-6);
    }),
    { numRuns: 100 },
  );
});

test("the projected gradient is orthogonal to the direction, and projecting again changes nothing", () => {
  fc.assert(
    fc.property(vectors(2), ({ parts: [a, b] }) => {
      const v = unit(Float64Array.from(a as number[]));
      const g = Float64Array.from(b as number[]);
      fc.pre(Math.hypot(...(a as number[])) > 1e-6);
      const projected = tangent(g, v);
      expect(Math.abs(cosine(projected, v))).toBeLessThan(1e-12 * (1 + lengthOf(g)));
      for (const [i, x] of tangent(projected, v).entries()) expect(x).toBeCloseTo(projected[i] as number, 12);
    }),
  );
});

test("in the plane a step turns the row by atan(lr) away from the gradient: closed form", () => {
  const start = rowOf([0.5, 0]);
  const { data } = directionStep(start, Float32Array.of(7, -3), start, { learningRate: 0.2, priorPull: 0 });
  const angle = Math.atan(0.2);
  expect(data[0]).toBeCloseTo(0.5 * Math.cos(angle), 7);
  expect(data[1]).toBeCloseTo(0.5 * Math.sin(angle), 7);
});

test("the prior alone turns a row back to its initial direction; a gradient along the row moves nothing", () => {
  const start = rowOf([0, 2]);
  let rows = rowOf([2, 0.01]);
  for (let i = 0; i < 200; i++) {
    rows = directionStep(rows, new Float32Array(2), start, { learningRate: 0.01, priorPull: 1e-4 });
  }
  expect(Math.acos(cosine(unit(rows.data), unit(start.data)))).toBeLessThan(0.02);
  const still = directionStep(start, Float32Array.of(0, 5), start, { learningRate: 0.5, priorPull: 0 });
  expect(still.data).toEqual(start.data);
});

test("rows of different norms turn alike: the step is an angle", () => {
  const rows = tensor(Float32Array.of(1, 0, 100, 0), [2, 2]);
  const { data } = directionStep(rows, Float32Array.of(0, 1, 0, 1), rows, { learningRate: 0.1, priorPull: 0 });
  expect((data[1] as number) / (data[0] as number)).toBeCloseTo((data[3] as number) / (data[2] as number), 6);
});

test("the learning rate falls from its first to its last value by one ratio per step, or stays exactly", () => {
  const options = { learningRate: 1e-2, finalRateShare: 0.1, steps: 100 };
  expect(learningRateAt(options, 0)).toBe(1e-2);
  expect(learningRateAt(options, 99)).toBeCloseTo(1e-3, 15);
  const ratio = learningRateAt(options, 1) / learningRateAt(options, 0);
  expect(learningRateAt(options, 60) / learningRateAt(options, 59)).toBeCloseTo(ratio, 12);
  expect(learningRateAt({ ...options, finalRateShare: 1 }, 50)).toBe(1e-2);
  expect(learningRateAt({ ...options, steps: 1 }, 0)).toBe(1e-2);
});

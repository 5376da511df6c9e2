import fc from "fast-check";
import { expect, test } from "vitest";
import { averageRows } from "../../functions/inversion/row-average.ts";
import { type Tensor, tensor } from "../../functions/tensor/tensor.ts";

const rowsOf = (values: readonly number[]): Tensor => tensor(Float32Array.from(values), [1, values.length]);
const value = fc.float({ min: -2, max: 2, noNaN: true, noDefaultInfinity: true });
const walk = fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 40 });
const averageOf = (all: readonly (readonly number[])[], beta: number): Tensor =>
  all.slice(1).reduce((average, rows, i) => averageRows(average, rowsOf(rows), i + 1, beta), rowsOf(all[0] ?? []));

test("without an average the rows are kept themselves", () => {
  const [before, after] = [rowsOf([1, 2]), rowsOf([3, 4])];
  expect(averageRows(before, after, 7, 0)).toBe(after);
});

test("an average stays between the least and the greatest value of every element", () => {
  fc.assert(
    fc.property(walk, fc.double({ min: 0, max: 0.999, noNaN: true }), (all, beta) => {
      averageOf(all, beta).data.forEach((mean, i) => {
        const values = all.map((rows) => rows[i] as number);
        expect(mean).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(mean).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
      });
    }),
  );
});

test("it is the weighted sum of all rows, each step's share forgotten at the pace of the steps after it", () => {
  fc.assert(
    fc.property(walk, fc.double({ min: 0.1, max: 0.999, noNaN: true }), (all, beta) => {
      const keeps = all.map((_, step) => Math.min(beta, (1 + step) / (10 + step)));
      const shares = all.map((_, step) =>
        keeps.slice(step + 1).reduce((share, keep) => share * keep, step === 0 ? 1 : 1 - (keeps[step] as number)),
      );
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      averageOf(all, beta).data.forEach((mean, i) => {
        const expected = all.reduce((sum, rows, step) => sum + (shares[step] as number) * (rows[i] as number), 0);
        expect(mean).toBeCloseTo(expected, 5);
      });
    }),
  );
});

test("rows that circle a point are nearer to it on average than at any step", () => {
  const circle = Array.from({ length: 200 }, (_, step) => [Math.cos(step), Math.sin(step)]);
  expect(Math.hypot(...averageOf(circle, 0.95).data)).toBeLessThan(0.1);
});

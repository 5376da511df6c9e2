import fc from "fast-check";
import { expect, test } from "vitest";
import { medianInterval } from "../../functions/metrics/median-interval.ts";

test("twelve values: from the third to the tenth (Conover 1999, table A3: n = 12)", () => {
  const values = [12, 1, 11, 2, 10, 3, 9, 4, 8, 5, 7, 6];
  expect(medianInterval(values)).toEqual({ median: 7, low: 3, high: 10 });
});

test("five values decide nothing, six all of them; what never came counts as later than all", () => {
  expect(medianInterval([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 0, high: Infinity });
  expect(medianInterval([1, 2, 3, 4, 5, 6])).toEqual({ median: 4, low: 1, high: 6 });
  expect(medianInterval([1, 2, 3, Infinity, Infinity, Infinity])).toEqual({ median: Infinity, low: 1, high: Infinity });
  expect(() => medianInterval([])).toThrow("no value");
});

test("of many samples of a lopsided distribution at least 95 % hold its median", () => {
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 40 }), fc.nat(1_000), (n, seed) => {
      let state = seed * 2_654_435_761 + 1;
      // Exponential, whose median is ln 2; a linear congruential generator is random enough here.
      const draw = (): number => {
        state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
        return -Math.log(1 - state / 2 ** 32);
      };
      const held = Array.from({ length: 400 }, () => {
        const { low, high } = medianInterval(Array.from({ length: n }, draw));
        return low <= Math.LN2 && Math.LN2 <= high;
      });
      expect(held.filter(Boolean).length).toBeGreaterThan(0.91 * 400);
    }),
    { numRuns: 20, seed: 1 },
  );
});

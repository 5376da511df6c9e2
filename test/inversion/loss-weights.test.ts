import fc from "fast-check";
import { expect, test } from "vitest";
import { cellWeights, evenWeights, fullWeightShare } from "../../functions/inversion/loss-weights.ts";
import { maskFrom } from "../../functions/tensor/mask.ts";
import golden from "../golden/mask-weights.json" with { type: "json" };

for (const { side, shape, floor, disc, weights } of golden.cases) {
  test(`weights of a disc in ${side} pixels on ${shape.join("×")} cells with floor ${floor} equal brute force`, () => {
    const [cx, cy, limit] = disc as [number, number, number];
    const inside = Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return Number((2 * x - cx) ** 2 + (2 * y - cy) ** 2 <= limit);
    });
    const mask = maskFrom(inside, side, side);
    const { weights: result, backgroundShare } = cellWeights(mask, [4, ...shape], { floor, background: 0 });
    expect(backgroundShare).toBeUndefined();
    expect(result.shape).toEqual([1, 1, ...shape]);
    const worst = weights.map((w, i) => Math.abs(w - (result.data[i] as number)) / Math.max(w, 1));
    expect(Math.max(...worst)).toBeLessThan(1e-6);
  });
}

const discs = fc.record({
  side: fc.integer({ min: 16, max: 64 }),
  radius: fc.double({ min: 0.05, max: 0.7, noNaN: true }),
  cells: fc.integer({ min: 4, max: 16 }),
  floor: fc.constantFrom(0, 0.1, 0.3, 1),
  background: fc.constantFrom(0, 0.3, 1, 4),
});
const disc = (side: number, radius: number) =>
  maskFrom(
    Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [(i % side) + 0.5 - side / 2, Math.floor(i / side) + 0.5 - side / 2];
      return Number(Math.hypot(x, y) <= radius * side);
    }),
    side,
    side,
  );

test("weights have mean 1, are never negative, and split between picture and background as floor and lambda say", () => {
  fc.assert(
    fc.property(discs, ({ side, radius, cells, floor, background }) => {
      const mask = disc(side, radius);
      const { weights, backgroundShare } = cellWeights(mask, [4, cells, cells], { floor, background });
      const mean = weights.data.reduce((sum, w) => sum + w, 0) / weights.data.length;
      expect(mean).toBeCloseTo(1, 5);
      expect(Math.min(...weights.data)).toBeGreaterThanOrEqual(0);
      const coverage = cellWeights(mask, [4, cells, cells], { floor: 0, background: 0 }).weights;
      const most = Math.max(...coverage.data);
      if (background === 0 || most === 0) return;
      for (const [i, s] of (backgroundShare as typeof weights).data.entries()) {
        expect(s).toBeGreaterThanOrEqual(0);
        expect(s).toBeLessThanOrEqual(1);
        // b / a = λ (1 − m) / (floor + (1 − floor) m), with m read from the weights without floor.
        if (coverage.data[i] === 0 && floor > 0) expect(s).toBeCloseTo(background / (background + floor), 5);
      }
    }),
    { numRuns: 60 },
  );
});

test("a mask too small to cover any cell leaves every cell alike instead of dividing by zero", () => {
  const nothing = maskFrom(new Uint8Array(64 * 64), 64, 64);
  const { weights } = cellWeights(nothing, [4, 8, 8], { floor: 0, background: 0 });
  expect(new Set(weights.data)).toEqual(new Set([1]));
});

test("without a mask every cell weighs 1", () => {
  const { weights } = evenWeights([4, 3, 5]);
  expect(weights.shape).toEqual([1, 1, 3, 5]);
  expect(new Set(weights.data)).toEqual(new Set([1]));
});

test("the share of full cells falls with the size of the thing", () => {
  const half = maskFrom(
    Array.from({ length: 64 * 64 }, (_, i) => Number(i % 64 < 31)),
    64,
    64,
  );
  expect(fullWeightShare(half, [4, 8, 8])).toBe(0.5);
});

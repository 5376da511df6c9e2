import { expect, test } from "vitest";
import { evenWeights, fullWeightShare, maskWeights } from "../../functions/inversion/loss-weights.ts";
import { maskFrom } from "../../functions/tensor/mask.ts";
import golden from "../golden/mask-weights.json" with { type: "json" };

for (const { side, shape, floor, disc, weights } of golden.cases) {
  test(`weights of a disc in ${side} pixels on ${shape.join("×")} cells with floor ${floor} equal brute force`, () => {
    const [cx, cy, limit] = disc as [number, number, number];
    const inside = Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return Number((2 * x - cx) ** 2 + (2 * y - cy) ** 2 <= limit);
    });
    const result = maskWeights(maskFrom(inside, side, side), [4, ...shape], floor);
    expect(result.shape).toEqual([1, 1, ...shape]);
    const worst = weights.map((w, i) => Math.abs(w - (result.data[i] as number)) / Math.max(w, 1));
    expect(Math.max(...worst)).toBeLessThan(1e-6);
  });
}

test("without a mask every cell weighs 1, and all of them count as full", () => {
  const even = evenWeights([4, 3, 5]);
  expect(even.shape).toEqual([1, 1, 3, 5]);
  expect(new Set(even.data)).toEqual(new Set([1]));
  expect(fullWeightShare(even)).toBe(1);
});

test("the share of full cells falls with the size of the thing", () => {
  const half = maskFrom(
    Array.from({ length: 64 * 64 }, (_, i) => Number(i % 64 < 31)),
    64,
    64,
  );
  expect(fullWeightShare(maskWeights(half, [4, 8, 8], 0.1))).toBe(0.5);
});

import { describe, expect, it } from "vitest";
import { guidedFilter } from "../../functions/vision/guided-filter.ts";

const side = 16;
const cells = Array.from({ length: side * side }, (_, i) => ({ x: i % side, y: Math.floor(i / side) }));
const options = { radius: 3, epsilon: 1e-4 };

/** The filter's answer at every cell of the guide itself. */
function filtered(guide: Float64Array, values: Float64Array, radius = options.radius): readonly number[] {
  const [red, green, blue, added] = guidedFilter(guide, side, side, { ...options, radius })(values);
  const at = (plane: Float64Array, i: number): number => plane[i] as number;
  return cells.map(
    (_, i) =>
      at(red, i) * at(guide, i * 3) +
      at(green, i) * at(guide, i * 3 + 1) +
      at(blue, i) * at(guide, i * 3 + 2) +
      at(added, i),
  );
}

describe("guidedFilter", () => {
  it("moves the border of a ragged mask to the outline of the picture", () => {
    const inside = ({ x, y }: { x: number; y: number }) => (x - 7.5) ** 2 + (y - 7.5) ** 2 < 25;
    const guide = Float64Array.from(cells.flatMap((cell) => (inside(cell) ? [0.9, 0.2, 0.1] : [0.2, 0.4, 0.8])));
    // A cell too far to the left, one too few on the right.
    const ragged = Float64Array.from(cells, ({ x, y }) => (inside({ x: x + 1, y }) ? 0.5 : -0.5));
    const wrong = (values: ArrayLike<number>) =>
      cells.filter((cell, i) => (values[i] as number) > 0 !== inside(cell)).length;
    expect(wrong(ragged)).toBeGreaterThan(15);
    expect(wrong(filtered(guide, ragged, 4))).toBe(0);
  });

  it("gives back values that are an affine map of the colours, also at the edges", () => {
    const guide = Float64Array.from(cells.flatMap(({ x, y }) => [x / side, y / side, ((x * 7 + y * 3) % 5) / 5]));
    const values = Float64Array.from(
      cells,
      (_, i) =>
        0.4 * (guide[i * 3] as number) - 0.3 * (guide[i * 3 + 1] as number) + 0.1 * (guide[i * 3 + 2] as number) + 0.2,
    );
    for (const [i, value] of filtered(guide, values).entries()) expect(value).toBeCloseTo(values[i] as number, 2);
  });

  it("is the mean of means over clipped windows where the picture is flat", () => {
    const guide = new Float64Array(side * side * 3).fill(0.5);
    const values = Float64Array.from(cells, ({ x, y }) => Math.sin(x * 12.9 + y * 78.2));
    const mean = (plane: ArrayLike<number>) =>
      cells.map(({ x, y }) => {
        const near = cells.flatMap((c, i) =>
          Math.abs(c.x - x) <= 2 && Math.abs(c.y - y) <= 2 ? [plane[i] as number] : [],
        );
        return near.reduce((a, b) => a + b, 0) / near.length;
      });
    const expected = mean(mean(values));
    for (const [i, value] of filtered(guide, values, 2).entries()) expect(value).toBeCloseTo(expected[i] as number, 9);
  });
});

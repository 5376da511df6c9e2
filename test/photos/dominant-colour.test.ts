import { expect, test } from "vitest";
import { maskFrom } from "../../functions/tensor/mask.ts";
import { deltaE, dominantColour, labOf, leastDeltaE, mainColours } from "./dominant-colour.ts";

const side = 20;
type Rgb = readonly [number, number, number];

/** Columns of the colours, so many of each, the rest of the picture green and outside the mask. */
const painted = (...parts: readonly (readonly [colour: Rgb, columns: number])[]) => {
  const columns = parts.flatMap(([colour, count]) => new Array<Rgb>(count).fill(colour));
  const data = Uint8Array.from(
    { length: side * side * 3 },
    (_, at) => (columns[Math.floor(at / 3) % side] ?? ([0, 200, 0] as const))[at % 3] as number,
  );
  const inside = Array.from({ length: side * side }, (_, i) => Number(i % side < columns.length));
  return [{ width: side, height: side, data }, maskFrom(inside, side, side)] as const;
};

const [black, white, red] = [
  [10, 10, 10],
  [245, 245, 245],
  [220, 30, 30],
] as const;

test("the dominant colour is that of most pixels inside", () => {
  expect(deltaE(dominantColour(...painted([black, 3], [red, 9], [white, 4])), labOf(red))).toBeLessThan(1);
});

test("of two colours of nearly one size both are main colours; one much smaller is not", () => {
  const panda = mainColours(...painted([black, 8], [white, 7], [red, 2]));
  expect(panda).toHaveLength(2);
  expect(leastDeltaE(panda, [labOf(white)])).toBeLessThan(1);
  expect(leastDeltaE(panda, [labOf(red)])).toBeGreaterThan(40);
  expect(mainColours(...painted([black, 10], [white, 5], [red, 2]))).toHaveLength(1);
});

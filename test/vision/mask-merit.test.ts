import { expect, test } from "vitest";
import { type Mask, maskFrom } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { contrast, separation } from "../../functions/vision/mask-merit.ts";

const side = 60;
const square = (from: number, to: number): Mask =>
  maskFrom(
    Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return Number(Math.min(x, y) >= from && Math.max(x, y) < to);
    }),
    side,
    side,
  );
const thing = square(20, 40);
/** The thing in one colour, its ground in another. */
const picture: Picture = {
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, at) => {
    const colour = thing.data[Math.floor(at / 3)] ? [200, 40, 40] : [40, 40, 80];
    return colour[at % 3] as number;
  }),
};
const [part, tooMuch] = [square(20, 34), square(14, 46)];

test("the mask that holds all of a thing and nothing else separates its colours from its ground's best", () => {
  expect(separation(picture, thing)).toBeCloseTo(2, 9);
  for (const mask of [part, tooMuch]) expect(separation(picture, mask)).toBeLessThan(1.9);
  expect(separation(picture, square(0, 0)), "nothing in it").toBe(0);
  expect(separation(picture, square(0, side)), "nothing around it").toBe(0);
});

test("a mask has as much contrast as its border follows an outline, each place of it at most 90 levels", () => {
  expect(contrast(picture, thing)).toBe(90);
  expect(contrast(picture, part)).toBeGreaterThan(0);
  expect(contrast(picture, part)).toBeLessThan(90);
  expect(contrast(picture, tooMuch)).toBe(0);
  expect(contrast(picture, square(0, side)), "no border within the picture").toBe(0);
});

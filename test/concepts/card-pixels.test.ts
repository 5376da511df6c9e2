import fc from "fast-check";
import { expect, test } from "vitest";
import { findInPixels, hideInPixels, mixingStream } from "../../functions/concepts/card-pixels.ts";
import { goldenPicture } from "../support/golden-concept.ts";

test("the mixing stream is AUTOMATIC1111's", () => {
  const stream = mixingStream();
  const next = () => stream.next().value ?? 0;
  expect(Array.from({ length: 6 }, next)).toEqual([253, 242, 127, 44, 157, 27]);
  for (let i = 6; i < 100; i++) next();
  let sum = 0;
  for (let i = 0; i < 100_000; i++) sum += next();
  expect(sum).toBe(12_731_374);
});

test("any text hidden in a picture is found again, in any shades", () => {
  const shades = fc.uint8Array({ minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), shades, (text, colours) => {
      expect(findInPixels(hideInPixels(goldenPicture, text, colours), 10_000)).toBe(text);
    }),
    { numRuns: 30 },
  );
});

test("the picture itself stays as it is, between the stripes", () => {
  const card = hideInPixels(goldenPicture, "hello", Uint8Array.of(200));
  const side = (card.width - goldenPicture.width - 2) / 2;
  for (let y = 0; y < 64; y++) {
    const row = (y * card.width + side + 1) * 3;
    expect(card.data.slice(row, row + 64 * 3)).toEqual(goldenPicture.data.slice(y * 64 * 3, (y + 1) * 64 * 3));
  }
});

test("a text longer than allowed, and a picture without one, give nothing", () => {
  expect(findInPixels(hideInPixels(goldenPicture, "x".repeat(5000), Uint8Array.of(1)), 1000)).toBeUndefined();
  expect(findInPixels(goldenPicture, 1000)).toBeUndefined();
  expect(findInPixels({ width: 8, height: 8, data: new Uint8Array(192) }, 1000)).toBeUndefined();
});

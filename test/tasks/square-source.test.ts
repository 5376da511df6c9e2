import fc from "fast-check";
import { expect, test } from "vitest";
import { squareSource } from "../../functions/tasks/square-source.ts";
import { boundingBox, type Mask, maskArea, maskFrom } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";

const side = 64;
interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A red rectangle on blue, with its mask. */
function scene(width: number, height: number, thing: Rectangle): { picture: Picture; mask: Mask } {
  const isThing = (i: number): boolean => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= thing.left && x < thing.left + thing.width && y >= thing.top && y < thing.top + thing.height;
  };
  const inside = Array.from({ length: width * height }, (_, i) => Number(isThing(i)));
  const data = Uint8Array.from(inside.flatMap((v) => (v ? [255, 0, 0] : [0, 0, 255])));
  return { picture: { width, height, data }, mask: maskFrom(inside, width, height) };
}

const scenes = fc
  .record({ width: fc.integer({ min: 20, max: 900 }), height: fc.integer({ min: 20, max: 300 }) })
  .chain(({ width, height }) =>
    fc
      .record({
        left: fc.integer({ min: 0, max: width - 12 }),
        top: fc.integer({ min: 0, max: height - 12 }),
        across: fc.double({ min: 0, max: 1, noNaN: true }),
        down: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ left, top, across, down }) => ({
        ...{ width, height, left, top },
        thingWidth: Math.round(12 + across * (width - left - 12)),
        thingHeight: Math.round(12 + down * (height - top - 12)),
      })),
  );

test("with framing the thing stands in the middle, as large as usual, in its own shape, and its pixels are its mask's", async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async ({ width, height, left, top, thingWidth, thingHeight }) => {
      // Slivers are thinner than a pixel when their length fills the square.
      fc.pre(Math.max(thingWidth, thingHeight) < 8 * Math.min(thingWidth, thingHeight));
      const given = scene(width, height, { left, top, width: thingWidth, height: thingHeight });
      const { picture, mask } = await squareSource(given, side, true);
      expect([picture.width, picture.height, mask?.width, mask?.height]).toEqual([side, side, side, side]);
      const box = boundingBox(mask as Mask) as Rectangle;
      const longer = Math.max(box.width, box.height);
      expect(Math.abs(longer - 0.7 * side)).toBeLessThanOrEqual(5);
      expect(Math.abs(box.left + box.width / 2 - side / 2)).toBeLessThanOrEqual(4);
      expect(Math.abs(box.top + box.height / 2 - side / 2)).toBeLessThanOrEqual(4);
      expect(Math.abs(box.width / longer - thingWidth / Math.max(thingWidth, thingHeight))).toBeLessThan(0.15);
      const middle = (Math.round(box.top + box.height / 2) * side + Math.round(box.left + box.width / 2)) * 3;
      expect(picture.data[middle]).toBeGreaterThan(200);
    }),
    { numRuns: 60 },
  );
});

test("without framing the whole picture is squashed, and so it is without a mask", async () => {
  const given = scene(120, 60, { left: 0, top: 0, width: 30, height: 60 });
  const { mask } = await squareSource(given, side, false);
  expect(boundingBox(mask as Mask)).toEqual({ left: 0, top: 0, width: 16, height: side });
  const whole = await squareSource({ picture: given.picture }, side, true);
  expect(whole.mask).toBeUndefined();
  expect(whole.picture.data).toEqual((await squareSource(given, side, false)).picture.data);
});

test("a thing that fills its picture is drawn back, and what is beyond the picture is not the thing", async () => {
  const given = scene(90, 60, { left: 0, top: 0, width: 90, height: 60 });
  const { picture, mask } = await squareSource(given, side, true);
  expect(maskArea(mask as Mask) / side ** 2).toBeCloseTo(0.7 * 0.7 * (60 / 90), 1);
  // The outermost pixels go on.
  expect([...picture.data.subarray(0, 3)]).toEqual([255, 0, 0]);
});

test("one pixel, and a panorama, are framed without harm", async () => {
  const dot = await squareSource(scene(40, 40, { left: 39, top: 0, width: 1, height: 1 }), side, true);
  expect(maskArea(dot.mask as Mask)).toBeGreaterThan(0);
  const long = await squareSource(scene(6000, 8, { left: 0, top: 0, width: 6000, height: 8 }), side, true);
  expect(long.picture).toMatchObject({ width: side, height: side });
});

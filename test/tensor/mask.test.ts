import fc from "fast-check";
import { expect, test } from "vitest";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import {
  boundingBox,
  decodeMask,
  dilateMask,
  encodeMask,
  type Mask,
  maskArea,
  maskCoverage,
  maskFrom,
  pasteMask,
  resizeMask,
} from "../../functions/tensor/mask.ts";

/** A mask drawn with # and ., rows separated by spaces. */
const draw = (rows: string): Mask => {
  const lines = rows.split(" ");
  return maskFrom(
    Array.from(lines.join(""), (c) => Number(c === "#")),
    lines[0]?.length ?? 0,
    lines.length,
  );
};

const masks = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([width, height]) =>
    fc
      .array(fc.constantFrom(0, 1), { minLength: width * height, maxLength: width * height })
      .map((values) => maskFrom(values, width, height)),
  );

test("coverage is the share of each cell, cut pixels included", () => {
  const { shape, data } = maskCoverage(draw("##. ##. ..."), 2, 2);
  expect(shape).toEqual([1, 1, 2, 2]);
  // Cells of 1.5 × 1.5 pixels: all of the first, a third of its neighbours, a ninth of the last.
  for (const [i, share] of [1, 1 / 3, 1 / 3, 1 / 9].entries()) expect(data[i]).toBeCloseTo(share, 6);
});

test("coverage keeps the mean at any size", () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (mask, width, height) => {
      const { data } = maskCoverage(mask, width, height);
      const mean = data.reduce((sum, share) => sum + share, 0) / data.length;
      expect(mean).toBeCloseTo(maskArea(mask) / mask.data.length, 5);
    }),
  );
});

test("a mask enlarged by a whole factor and shrunk again is the same", () => {
  fc.assert(
    fc.property(masks, fc.integer({ min: 1, max: 3 }), (mask, factor) => {
      const large = resizeMask(mask, mask.width * factor, mask.height * factor);
      expect(resizeMask(large, mask.width, mask.height)).toEqual(mask);
    }),
  );
});

test("a part's mask is pasted where the part was cut from", () => {
  const pasted = pasteMask(draw("#. .#"), { left: 1, top: 2 }, { width: 4, height: 5 });
  expect(pasted).toEqual(draw(".... .... .#.. ..#. ...."));
});

test("dilation reaches exactly the pixels within the radius", () => {
  fc.assert(
    fc.property(masks, fc.double({ min: 0, max: 5, noNaN: true }), (mask, radius) => {
      const { width, data } = mask;
      const inside = [...data.keys()].filter((i) => data[i]);
      const near = (i: number) =>
        inside.some((j) => {
          const across = (i % width) - (j % width);
          const down = Math.floor(i / width) - Math.floor(j / width);
          return across ** 2 + down ** 2 <= radius ** 2;
        });
      expect(dilateMask(mask, radius).data).toEqual(data.map((_, i) => Number(near(i))));
    }),
  );
});

test("the bounding box is tight", () => {
  expect(boundingBox(draw(".... .##. .#.. ...."))).toEqual({ left: 1, top: 1, width: 2, height: 2 });
  expect(boundingBox(draw("#..# .... #..#"))).toEqual({ left: 0, top: 0, width: 4, height: 3 });
  expect(boundingBox(draw(".... ...."))).toBeUndefined();
});

test("masks survive as PNG; one that is all black or all white is refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      masks.filter((mask) => maskArea(mask) > 0 && maskArea(mask) < mask.data.length),
      async (mask) => {
        expect(await decodeMask(await encodeMask(mask))).toEqual(mask);
      },
    ),
    { numRuns: 25 },
  );
  const black = await encodePng({ width: 2, height: 1, data: new Uint8Array(6) });
  await expect(decodeMask(black)).rejects.toMatchObject({ code: "bad_image" });
});

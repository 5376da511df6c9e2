import fc from "fast-check";
import { expect, test } from "vitest";
import { recompose } from "../../functions/inversion/recompose.ts";
import type { Source } from "../../functions/inversion/views.ts";
import { maskArea, maskFrom } from "../../functions/tensor/mask.ts";

const side = 16;
/** A box of one colour on a ground of noise. */
function boxed(
  { left, top, width, height }: Record<"left" | "top" | "width" | "height", number>,
  rgb: number[],
): Source {
  const within = (i: number): boolean => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return x >= left && x < left + width && y >= top && y < top + height;
  };
  const data = Uint8Array.from({ length: side * side * 3 }, (_, i) =>
    within(Math.floor(i / 3)) ? (rgb[i % 3] as number) : (i * 89) % 256,
  );
  const mask = maskFrom(
    Array.from({ length: side * side }, (_, i) => Number(within(i))),
    side,
    side,
  );
  return { picture: { width: side, height: side, data }, mask };
}
const channel = fc.integer({ min: 0, max: 255 });
const box = fc
  .record({
    left: fc.nat(side - 1),
    top: fc.nat(side - 1),
    width: fc.integer({ min: 1, max: side }),
    height: fc.integer({ min: 1, max: side }),
  })
  .map(({ left, top, width, height }) => ({
    left,
    top,
    width: Math.min(width, side - left),
    height: Math.min(height, side - top),
  }));

test("every picture shows the whole thing in its own colour, on one other colour and nothing of what was behind it", () => {
  fc.assert(
    fc.property(
      box,
      fc.array(channel, { minLength: 3, maxLength: 3 }),
      fc.nat(8),
      fc.nat(1e6),
      (where, rgb, count, seed) => {
        const source = boxed(where, rgb);
        const made = recompose(source, count, seed);
        expect(made.length).toBeLessThanOrEqual(count);
        expect(new Set(made.map((one) => one.where)).size).toBe(made.length);
        for (const { picture, mask, where: told } of made) {
          expect(told).toMatch(/^on an? [a-z]+ background$/);
          expect(maskArea(mask as never)).toBe(maskArea(source.mask as never));
          const pixelAt = (i: number): number[] => [...picture.data.subarray(i * 3, i * 3 + 3)];
          const outside = [...(mask?.data.keys() ?? [])].filter((i) => mask?.data[i] === 0).map(pixelAt);
          const ground = outside[0] ?? pixelAt(0);
          for (const pixel of outside) expect(pixel).toEqual(ground);
          mask?.data.forEach((inside, i) => {
            if (!inside) return;
            // The outermost pixels are mixed with the ground: between it and the thing.
            pixelAt(i).forEach((value, c) => {
              if (outside.length === 0) return;
              const ends = [ground[c] as number, rgb[c] as number];
              expect(value).toBeGreaterThanOrEqual(Math.min(...ends));
              expect(value).toBeLessThanOrEqual(Math.max(...ends));
            });
          });
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("a thing's inner pixels are kept to the last bit, moved by whole pixels within the picture", () => {
  const source = boxed({ left: 5, top: 4, width: 6, height: 7 }, [200, 30, 30]);
  for (const { picture, mask } of recompose(source, 8, 3)) {
    const inner = [...(mask?.data.keys() ?? [])].filter((i) =>
      [i, i - 1, i + 1, i - side, i + side].every((near) => mask?.data[near] === 1),
    );
    expect(inner).toHaveLength(4 * 5);
    for (const i of inner) expect([...picture.data.subarray(i * 3, i * 3 + 3)]).toEqual([200, 30, 30]);
  }
});

test("a ground of the thing's own colour is never chosen", () => {
  const source = boxed({ left: 4, top: 4, width: 8, height: 8 }, [214, 40, 40]);
  const grounds = recompose(source, 11, 1).map(({ where }) => where);
  expect(grounds).not.toContain("on a red background");
  expect(grounds).toContain("on an orange background");
  expect(grounds.length).toBeGreaterThanOrEqual(8);
});

test("the same seed puts the same pictures together, another seed others; without a mask, or an empty one, there are none", () => {
  const source = boxed({ left: 4, top: 4, width: 8, height: 8 }, [214, 40, 40]);
  expect(recompose(source, 4, 1)).toEqual(recompose(source, 4, 1));
  expect(recompose(source, 4, 2)).not.toEqual(recompose(source, 4, 1));
  expect(recompose({ picture: source.picture }, 4, 1)).toEqual([]);
  expect(recompose({ ...source, mask: maskFrom([], side, side) }, 4, 1)).toEqual([]);
});

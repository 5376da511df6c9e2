import { expect, test } from "vitest";
import { type Mask, maskFrom } from "../../functions/tensor/mask.ts";
import { onePiece, withoutSpecks } from "../../functions/vision/one-piece.ts";

/** `#` is inside. */
const drawn = (...rows: readonly string[]): Mask =>
  maskFrom(
    [...rows.join("")].map((sign) => Number(sign === "#")),
    rows[0]?.length ?? 0,
    rows.length,
  );

const ring = drawn(
  "#.........", //
  "..######..",
  "..#....#..",
  "..#....#..",
  "..######..",
  "..........",
);
const filled = drawn(
  "..........", //
  "..######..",
  "..######..",
  "..######..",
  "..######..",
  "..........",
);

test("one piece keeps what is connected to the click, without holes", () => {
  expect(onePiece(ring, { x: 2, y: 3 })).toEqual(filled);
  expect(onePiece(ring, { x: 4, y: 3 }), "in the hole: the nearest piece").toEqual(filled);
  expect(onePiece(ring, { x: 0, y: 0 }), "the piece in the corner").toEqual(drawn("#.........", ...emptyRows(5)));
});

const emptyRows = (count: number): readonly string[] => Array.from({ length: count }, () => ".".repeat(10));

/** A square of 40 × 40 in a picture of 60 × 60, and what else is asked for. */
const square = (isOther: (x: number, y: number) => boolean): Mask => {
  const inSquare = (x: number, y: number): boolean => x >= 10 && x < 50 && y >= 10 && y < 50;
  const inside = Array.from({ length: 60 * 60 }, (_, i) => {
    const [x, y] = [i % 60, Math.floor(i / 60)];
    return Number(inSquare(x, y) !== isOther(x, y));
  });
  return maskFrom(inside, 60, 60);
};
const box = (left: number, top: number, width: number, height: number) => (x: number, y: number) =>
  x >= left && x < left + width && y >= top && y < top + height;
const plain = square(() => false);

test("specks beside a thing are left out and holes of their size filled", () => {
  expect(withoutSpecks(square(box(2, 2, 4, 4)))).toEqual(plain);
  expect(withoutSpecks(square(box(20, 20, 6, 6)))).toEqual(plain);
  expect(withoutSpecks(square((x, y) => (x + y) % 5 === 0 && box(12, 12, 30, 30)(x, y)))).toEqual(plain);
});

test("large pieces, large holes and bays are part of what a thing looks like", () => {
  for (const shape of [box(0, 0, 8, 8), box(20, 20, 12, 12), box(30, 10, 3, 12)]) {
    expect(withoutSpecks(square(shape))).toEqual(square(shape));
  }
  const cornered = maskFrom(
    Array.from({ length: 100 }, (_, i) => Number(i !== 0)),
    10,
    10,
  );
  expect(withoutSpecks(cornered), "a corner of the background").toEqual(cornered);
});

test("masks of nothing and of everything stay as they are", () => {
  for (const value of [0, 1]) {
    const mask = maskFrom(new Uint8Array(12).fill(value), 4, 3);
    expect(withoutSpecks(mask)).toEqual(mask);
    expect(onePiece(mask, { x: 1, y: 1 })).toEqual(mask);
  }
});

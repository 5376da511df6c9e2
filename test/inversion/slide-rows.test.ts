import fc from "fast-check";
import { expect, test } from "vitest";
import { slideRows } from "../../functions/inversion/slide-rows.ts";
import { type Tensor, tensor } from "../../functions/tensor/tensor.ts";

const value = fc.float({ min: -2, max: 2, noNaN: true, noDefaultInfinity: true });
const pairs = fc.integer({ min: 2, max: 10 }).chain((width) => {
  const row = fc.array(value, { minLength: width, maxLength: width }).filter((values) => Math.hypot(...values) > 0.1);
  return fc.record({ from: row, to: row });
});
const rowOf = (values: readonly number[]): Tensor => tensor(Float32Array.from(values), [1, values.length]);
const norm = ({ data }: Tensor): number => Math.hypot(...data);
const angle = (x: Tensor, y: Tensor): number => {
  const dot = x.data.reduce((sum, v, i) => sum + v * (y.data[i] as number), 0);
  return Math.acos(Math.min(1, Math.max(-1, dot / norm(x) / norm(y))));
};
/** Neither equal nor opposite: there the great circle is not one. */
const oneCircle = (from: Tensor, to: Tensor): boolean => angle(from, to) > 0.01 && angle(from, to) < 3.13;

test("0 and 1 are the ends themselves, bit for bit", () => {
  const [from, to] = [rowOf([1, 2]), rowOf([3, -1])];
  expect(slideRows(from, to, 0)).toBe(from);
  expect(slideRows(from, to, 1)).toBe(to);
});

test("angles divide as the strength says and norms geometrically, beyond 1 too", () => {
  fc.assert(
    fc.property(pairs, fc.double({ min: 0.05, max: 1.5, noNaN: true }), ({ from, to }, s) => {
      const [a, b] = [rowOf(from), rowOf(to)];
      fc.pre(oneCircle(a, b));
      const slid = slideRows(a, b, s);
      expect(norm(slid)).toBeCloseTo(norm(a) ** (1 - s) * norm(b) ** s, 4);
      const turned = s * angle(a, b);
      expect(angle(a, slid)).toBeCloseTo(turned > Math.PI ? 2 * Math.PI - turned : turned, 2);
    }),
  );
});

test("sliding back is sliding from the other end", () => {
  fc.assert(
    fc.property(pairs, fc.double({ min: 0.01, max: 0.99, noNaN: true }), ({ from, to }, s) => {
      const [a, b] = [rowOf(from), rowOf(to)];
      fc.pre(oneCircle(a, b));
      const [there, back] = [slideRows(a, b, s), slideRows(b, a, 1 - s)];
      for (const [i, x] of there.data.entries()) expect(x).toBeCloseTo(back.data[i] as number, 4);
    }),
  );
});

test("equal, opposite and empty directions give finite rows", () => {
  for (const [from, to] of [
    [
      [1, 0],
      [1, 0],
    ],
    [
      [1, 0],
      [2, 0],
    ],
    [
      [1, 0],
      [-1, 0],
    ],
    [
      [0, 0],
      [1, 0],
    ],
  ] as const) {
    for (const s of [0.3, 0.5, 1.2]) {
      expect(slideRows(rowOf(from), rowOf(to), s).data.every(Number.isFinite)).toBe(true);
    }
  }
});

test("rows slide one by one: a quarter turn at half strength, and norms 1 and 4 meet at 2", () => {
  const from = tensor(Float32Array.of(1, 0, 1, 0), [2, 2]);
  const to = tensor(Float32Array.of(0, 1, 0, 4), [2, 2]);
  const half = Math.SQRT1_2;
  const { data } = slideRows(from, to, 0.5);
  for (const [i, x] of [half, half, 2 * half, 2 * half].entries()) expect(data[i]).toBeCloseTo(x, 6);
});

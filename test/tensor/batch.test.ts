import fc from "fast-check";
import { expect, test } from "vitest";
import { concat, part, stack } from "../../functions/tensor/batch.ts";
import { tensor } from "../../functions/tensor/tensor.ts";

const numbers = (length: number) =>
  fc.array(fc.float({ noNaN: true }), { minLength: length, maxLength: length }).map((list) => Float32Array.from(list));

test("cutting a batch anywhere and joining the parts gives the batch back", () => {
  fc.assert(
    fc.property(fc.nat(5), fc.nat(5), numbers(60), (a, b, data) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const whole = tensor(data, [5, 3, 4]);
      expect(concat([part(whole, 0, low), part(whole, low, high), part(whole, high, 5)])).toEqual(whole);
    }),
  );
});

test("stacking adds the first dimension and keeps the order", () => {
  const pair = stack([tensor(Float32Array.of(1, 2), [2]), tensor(Float32Array.of(3, 4), [2])]);
  expect(pair).toEqual(tensor(Float32Array.of(1, 2, 3, 4), [2, 2]));
});

test("tensors that do not fit together, and parts that are not there, are refused", () => {
  const a = tensor(new Float32Array(4), [2, 2]);
  expect(() => concat([a, tensor(new Float32Array(3), [1, 3])])).toThrow("[2,2] and [1,3] differ");
  expect(() => concat([])).toThrow("nothing to join");
  expect(() => part(a, 1, 3)).toThrow("1…3 of shape [2,2]");
});

import { expect, test } from "vitest";
import { gradient } from "../../functions/autodiff/gradient.ts";
import { type InputValue, input, type Value } from "../../functions/graph/value.ts";
import { conv } from "../../functions/ops/conv.ts";
import { multiply } from "../../functions/ops/multiply.ts";
import { sumTo } from "../../functions/ops/sum-to.ts";
import { suitsWinograd } from "../../functions/ops/winograd.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { relativeL2 } from "../support/compare.ts";
import { evaluate, testEngine, values } from "../support/evaluate.ts";

const engine = testEngine();

test("a wide convolution and its gradient by Winograd's algorithm equal the plain ones", async () => {
  const shapes = { x: [2, 256, 8, 10], w: [272, 256, 3, 3], b: [272], dy: [2, 272, 8, 10] };
  const [x, w, b, dy] = Object.entries(shapes).map(([name, shape]) => input(name, shape)) as [
    InputValue,
    InputValue,
    InputValue,
    InputValue,
  ];
  const y = conv(x, w, b, { pads: [1, 1, 1, 1] });
  const [dx] = gradient(sumTo(multiply(y, dy), []), [x]) as [Value];
  const graph = { outputs: { y, dx } };
  const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, values(shape, i)]));
  const plain = await evaluate(engine, graph, feeds, "plain");
  const fast = await evaluate(engine, graph, feeds, "cpu");
  for (const name of ["y", "dx"]) {
    const difference = relativeL2(fast[name] as Tensor, plain[name] as Tensor);
    expect(difference).toBeLessThan(2e-6);
    // Equal bits would mean that the plain lowering ran twice.
    expect(difference).toBeGreaterThan(0);
  }
});

test("narrow, odd-sized and tiny pictures and other kernels are left to the runtime's convolution", () => {
  const suits = (x: number[], w: number[]): boolean => suitsWinograd({ name: "x", shape: x }, { name: "w", shape: w });
  expect(suits([1, 320, 32, 32], [320, 320, 3, 3])).toBe(true);
  expect(suits([1, 4, 32, 32], [320, 4, 3, 3])).toBe(false);
  expect(suits([1, 320, 31, 32], [320, 320, 3, 3])).toBe(false);
  expect(suits([1, 1280, 4, 4], [1280, 1280, 3, 3])).toBe(false);
  expect(suits([1, 320, 32, 32], [320, 320, 1, 1])).toBe(false);
  expect(suits([1, 512, 512, 512], [512, 512, 3, 3])).toBe(false);
});

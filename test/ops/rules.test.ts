import { expect, test } from "vitest";
import { gradient } from "../../functions/autodiff/gradient.ts";
import { constant, input, type OpValue } from "../../functions/graph/value.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { apply } from "../../functions/ops/rule.ts";
import { allRules, ruleOf } from "../../functions/ops/rule-table.ts";
import * as ops from "../../functions/ops/rules.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { evaluate, testEngine, values } from "../support/evaluate.ts";
import { type RuleCase, ruleCases } from "./rule-cases.ts";

const engine = testEngine();
const nameOf = (c: RuleCase): string => (c.note ? `${c.rule.name} (${c.note})` : c.rule.name);

function prepare(c: RuleCase) {
  const inputs = c.inputs.map((shape, i) => input(`x${i}`, shape));
  const weights = (c.weights ?? []).map((shape, i) => constant(values(shape, 50 + i).data, shape));
  const feeds: Record<string, Tensor> = Object.fromEntries(c.inputs.map((shape, i) => [`x${i}`, values(shape, i + 1)]));
  return { inputs, feeds, output: c.build(inputs, weights) };
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

test("every rule has a case in rule-cases.ts", () => {
  const covered = new Set(ruleCases.map((c) => c.rule.name));
  expect(
    allRules()
      .map((rule) => rule.name)
      .filter((name) => !covered.has(name)),
  ).toEqual([]);
});

for (const c of ruleCases.filter(({ differentiated }) => differentiated > 0)) {
  test(`the gradient of ${nameOf(c)} equals finite differences`, async () => {
    const { inputs, feeds, output } = prepare(c);
    const sources = inputs.slice(0, c.differentiated);
    const cotangent = constant(values(output.shape, 99).data, output.shape);
    const loss = ops.sumTo(ops.multiply(output, cotangent), []);
    const analytic = await evaluate(
      engine,
      { outputs: Object.fromEntries(gradient(loss, sources).map((g, i) => [`g${i}`, g])) },
      feeds,
    );
    const session = await engine.load(lower({ outputs: { output } }, { preset: "speed", target: "plain" }));
    for (const [i, source] of sources.entries()) {
      for (const seed of [7, 8, 9]) {
        const direction = values(source.shape, seed).data;
        const at = async (step: number): Promise<number> => {
          const moved = (feeds[source.name] as Tensor).data.map((x, j) => x + step * (direction[j] as number));
          const result = await session.run({
            ...feeds,
            [source.name]: { dtype: "f32", shape: source.shape, data: moved },
          });
          return dot((result["output"] as Tensor).data, cotangent.data);
        };
        const step = 1e-2;
        // Richardson: the h² term of the central difference cancels.
        const difference = (h: number): Promise<number> =>
          Promise.all([at(h), at(-h)]).then(([a, b]) => (a - b) / (2 * h));
        const numeric = (4 * (await difference(step)) - (await difference(2 * step))) / 3;
        const slope = dot((analytic[`g${i}`] as Tensor).data, direction);
        const size = Math.hypot(...(analytic[`g${i}`] as Tensor).data) * Math.hypot(...direction);
        expect(Math.abs(numeric - slope), `input ${i}`).toBeLessThan(1e-3 * size + 1e-4);
      }
    }
    await session.close();
  });
}

for (const c of ruleCases.filter(({ rule }) => rule.lowerings.cpu)) {
  for (const preset of ["speed", "lean"] as const) {
    test(`the cpu lowering of ${nameOf(c)} equals the plain one (${preset})`, async () => {
      const { feeds, output } = prepare(c);
      const plain = await evaluate(engine, { outputs: { output } }, feeds, "plain", preset);
      const cpu = await evaluate(engine, { outputs: { output } }, feeds, "cpu", preset);
      const [a, b] = [plain["output"]?.data as Float32Array, cpu["output"]?.data as Float32Array];
      expect(Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))))).toBeLessThan(1e-5);
    });
  }
}

test("a missing rule is an error that names the op, the node and the file to edit", () => {
  const node: OpValue = {
    kind: "op",
    op: "fourier",
    inputs: [],
    attributes: {},
    shape: [],
    dtype: "f32",
    label: "unet/x",
  };
  expect(() => ruleOf(node)).toThrow(/"fourier".*"unet\/x".*functions\/ops\/rules\.ts/);
});

test("max-pooling takes the largest of every whole window", async () => {
  const x = {
    dtype: "f32",
    shape: [1, 1, 4, 4],
    data: Float32Array.from([1, 2, 9, 0, 3, 4, 0, 8, -5, -6, 0, 0, -7, -8, 0, 7]),
  } as const;
  const pooled = async (kernel: number, stride: number) => {
    const output = ops.maxPool(input("x", x.shape), kernel, stride);
    return [...((await evaluate(engine, { outputs: { output } }, { x }))["output"] as Tensor).data];
  };
  expect(await pooled(2, 2)).toEqual([4, 9, -5, 7]);
  expect(await pooled(3, 2)).toEqual([9]);
  expect(() => ops.maxPool(input("x", [1, 1, 2, 4]), 3, 2)).toThrow(/3×3 window does not fit into 2×4/);
});

test("unit channels have norm 1 at every position, and zeros stay zeros", async () => {
  const x = { dtype: "f32", shape: [1, 2, 1, 2], data: Float32Array.from([3, 0, -4, 0]) } as const;
  const output = ops.unitChannels(input("x", x.shape), 1e-10);
  const { data } = (await evaluate(engine, { outputs: { output } }, { x }))["output"] as Tensor;
  expect([...data].map((y) => Number(y.toFixed(6)))).toEqual([0.6, 0, -0.8, 0]);
});

test("an op that only judges use says so when it is learned through", () => {
  const x = input("x", [1, 1, 4, 4]);
  expect(() => gradient(ops.sumTo(ops.maxPool(x, 2, 2), []), [x])).toThrow(/maxPool.*no gradient.*functions\/ops/);
});

test("arity and shape errors name the op, the node and what came", () => {
  const x = input("x", [2, 3]);
  expect(() => apply(ops.addRule, [x])).toThrow(/add "add": expected 2 inputs, got 1/);
  expect(() => ops.add(x, input("y", [2, 4]))).toThrow(/add.*\[2,3\].*\[2,4\].*functions\/ops/);
  const weight = { kind: "weight", name: "unet/fc.weight", shape: [5, 4], dtype: "f32", location: {} } as never;
  expect(() => apply(ops.linearInputGradientRule, [x, weight, x])).toThrow(/linearInputGradient.*pairs.*3/);
  expect(() => ops.linear(x, weight)).toThrow(/linear "unet\/fc".*\[2,3\].*\[5,4\]/);
});

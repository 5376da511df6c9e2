import { expect, test } from "vitest";
import { gradient } from "../../functions/autodiff/gradient.ts";
import { constant, input, type OpValue, type Value } from "../../functions/graph/value.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { apply, type Rule } from "../../functions/ops/rule.ts";
import { allRules, ruleOf } from "../../functions/ops/rule-table.ts";
import * as ops from "../../functions/ops/rules.ts";
import type { Shape, Tensor } from "../../functions/tensor/tensor.ts";
import { evaluate, testEngine, values } from "../support/evaluate.ts";

/** One way to use a rule: the shapes of its activations, of its frozen weights, and the call. */
interface Case {
  readonly rule: Rule;
  readonly note?: string;
  readonly inputs: readonly Shape[];
  readonly weights?: readonly Shape[];
  /** How many of the inputs are differentiated, from the first; none for rules that only appear in backward graphs. */
  readonly differentiated: number;
  readonly build: (inputs: Value[], weights: Value[]) => Value;
}

const image = [2, 4, 6, 6];
const first = (xs: Value[]): Value => xs[0] as Value;
const conv = (stride: number, pads: number[], kernel: number): Omit<Case, "note"> => ({
  rule: ops.convRule,
  inputs: [image],
  weights: [[3, 4, kernel, kernel], [3]],
  differentiated: 1,
  build: ([x], [w, b]) => ops.conv(x as Value, w as Value, b, { stride, pads }),
});
/** In q, k or v, `wrt` 0, 1, 2; from 81 keys on the row sum takes another way. */
const attentionGradient = (keys: number, wrt: 0 | 1 | 2): Case => ({
  rule: ops.attentionGradientRule,
  note: `in ${["q", "k", "v"][wrt]}, ${keys} keys`,
  inputs: [
    [2, 4, 8],
    [2, keys, 8],
    [2, keys, 8],
    [2, 4, 8],
  ],
  differentiated: 0,
  build: ([q, k, v, dy]) => {
    const y = ops.attention(q as Value, k as Value, v as Value, 2);
    const operands = [q as Value, k as Value, v as Value, y, dy as Value];
    return apply(ops.attentionGradientRule, operands, { heads: 2, causal: false, wrt });
  },
});

const attention = (queries: number, keys: number, causal: boolean): Omit<Case, "note"> => ({
  rule: ops.attentionRule,
  inputs: [
    [2, queries, 8],
    [2, keys, 8],
    [2, keys, 8],
  ],
  differentiated: 3,
  build: ([q, k, v]) => ops.attention(q as Value, k as Value, v as Value, 2, causal),
});

const cases: readonly Case[] = [
  { rule: ops.addRule, inputs: [[2, 3], [3]], differentiated: 2, build: ([a, b]) => ops.add(a as Value, b as Value) },
  {
    rule: ops.multiplyRule,
    inputs: [
      [2, 3],
      [2, 1],
    ],
    differentiated: 2,
    build: ([a, b]) => ops.multiply(a as Value, b as Value),
  },
  {
    rule: ops.multiplyRule,
    note: "by itself",
    inputs: [[5]],
    differentiated: 1,
    build: ([a]) => ops.multiply(a as Value, a as Value),
  },
  { rule: ops.sumToRule, inputs: [[2, 3, 4]], differentiated: 1, build: ([x]) => ops.sumTo(x as Value, [3, 1]) },
  {
    rule: ops.broadcastToRule,
    inputs: [[3, 1]],
    differentiated: 1,
    build: ([x]) => ops.broadcastTo(x as Value, [2, 3, 4]),
  },
  { rule: ops.reshapeRule, inputs: [[2, 6]], differentiated: 1, build: ([x]) => ops.reshape(x as Value, [3, 4]) },
  {
    rule: ops.transposeRule,
    inputs: [[2, 3, 4]],
    differentiated: 1,
    build: ([x]) => ops.transpose(x as Value, [2, 0, 1]),
  },
  {
    rule: ops.concatRule,
    inputs: [
      [2, 3],
      [2, 2],
      [2, 1],
    ],
    differentiated: 3,
    build: (xs) => ops.concat(xs, 1),
  },
  { rule: ops.sliceRule, inputs: [[2, 5]], differentiated: 1, build: ([x]) => ops.slice(x as Value, 1, 1, 4) },
  { rule: ops.padRule, inputs: [[2, 3]], differentiated: 1, build: ([x]) => ops.pad(x as Value, 1, 1, 2) },
  {
    rule: ops.linearRule,
    inputs: [[2, 3, 4]],
    weights: [[5, 4], [5]],
    differentiated: 1,
    build: ([x], [w, b]) => ops.linear(x as Value, w as Value, b),
  },
  {
    rule: ops.linearRule,
    note: "without bias",
    inputs: [[3, 4]],
    weights: [[5, 4]],
    differentiated: 1,
    build: ([x], [w]) => ops.linear(x as Value, w as Value),
  },
  { note: "3×3 same", ...conv(1, [1, 1, 1, 1], 3) },
  { note: "1×1", ...conv(1, [0, 0, 0, 0], 1) },
  { note: "stride 2, padded all round", ...conv(2, [1, 1, 1, 1], 3) },
  { note: "stride 2, padded right and bottom", ...conv(2, [0, 0, 1, 1], 3) },
  {
    note: "3×3 same, 16 rows (the direct lowering)",
    ...conv(1, [1, 1, 1, 1], 3),
    inputs: [[1, 4, 16, 16]],
  },
  {
    rule: ops.groupNormRule,
    inputs: [image],
    weights: [[4], [4]],
    differentiated: 1,
    build: ([x], [w, b]) => ops.groupNorm(x as Value, w as Value, b as Value, 2, 1e-5),
  },
  {
    rule: ops.layerNormRule,
    inputs: [[2, 3, 8]],
    weights: [[8], [8]],
    differentiated: 1,
    build: ([x], [w, b]) => ops.layerNorm(x as Value, w as Value, b as Value, 1e-5),
  },
  {
    rule: ops.attentionProbabilitiesRule,
    inputs: [
      [2, 4, 8],
      [2, 7, 8],
    ],
    differentiated: 0,
    build: ([q, k]) => ops.attentionProbabilities(q as Value, k as Value, 2),
  },
  { note: "self", ...attention(5, 5, false) },
  { note: "cross", ...attention(4, 7, false) },
  { note: "causal", ...attention(5, 5, true) },
  { rule: ops.siluRule, inputs: [[2, 9]], differentiated: 1, build: (xs) => ops.silu(first(xs)) },
  {
    rule: ops.siluRule,
    note: "quick gelu",
    inputs: [[2, 9]],
    differentiated: 1,
    build: (xs) => ops.quickGelu(first(xs)),
  },
  { rule: ops.geluRule, inputs: [[2, 9]], differentiated: 1, build: (xs) => ops.gelu(first(xs)) },
  { rule: ops.gegluRule, inputs: [[2, 3, 8]], differentiated: 1, build: (xs) => ops.geglu(first(xs)) },
  {
    rule: ops.resizeNearestRule,
    inputs: [[2, 3, 4, 5]],
    differentiated: 1,
    build: (xs) => ops.resizeNearest(first(xs)),
  },
  {
    rule: ops.squaredErrorRule,
    inputs: [image, image, [2, 1, 6, 6]],
    differentiated: 1,
    build: ([p, t, w]) => ops.squaredError(p as Value, t as Value, w as Value),
  },
  {
    rule: ops.reluRule,
    inputs: [[2, 9]],
    differentiated: 1,
    // Inputs lie in [−1, 1]: no step of the finite differences crosses the kink.
    build: (xs) =>
      ops.relu(
        ops.add(
          first(xs),
          constant(
            new Float32Array(9).map((_, i) => (i % 3) * 4 - 2),
            [9],
          ),
        ),
      ),
  },
  // Judges only go forward.
  { rule: ops.maxPoolRule, inputs: [image], differentiated: 0, build: (xs) => ops.maxPool(first(xs), 3, 2) },
  { rule: ops.unitChannelsRule, inputs: [image], differentiated: 0, build: (xs) => ops.unitChannels(first(xs), 1e-10) },
  // Rules of backward graphs: their own gradients are not defined, their lowerings must agree all the same.
  {
    rule: ops.convInputGradientRule,
    inputs: [[2, 3, 6, 6]],
    weights: [[3, 4, 3, 3]],
    differentiated: 0,
    build: ([dy], [w]) =>
      apply(ops.convInputGradientRule, [dy as Value, w as Value], { stride: 1, pads: [1, 1, 1, 1], size: [6, 6] }),
  },
  {
    rule: ops.linearInputGradientRule,
    inputs: [[2, 3, 5]],
    weights: [[5, 4]],
    differentiated: 0,
    build: ([dy], [w]) => ops.linearInputGradient(dy as Value, w as Value),
  },
  {
    rule: ops.linearInputGradientRule,
    note: "of three layers that read the same x",
    inputs: [
      [2, 3, 5],
      [2, 3, 2],
      [2, 3, 5],
    ],
    weights: [
      [5, 4],
      [2, 4],
      [5, 4],
    ],
    differentiated: 0,
    build: (dys, ws) =>
      apply(
        ops.linearInputGradientRule,
        dys.flatMap((dy, i) => [dy, ws[i] as Value]),
      ),
  },
  {
    rule: ops.groupNormInputGradientRule,
    inputs: [image, image],
    weights: [[4]],
    differentiated: 0,
    build: ([dy, x], [w]) =>
      apply(ops.groupNormInputGradientRule, [dy as Value, x as Value, w as Value], { groups: 2, epsilon: 1e-5 }),
  },
  {
    rule: ops.layerNormInputGradientRule,
    inputs: [
      [3, 8],
      [3, 8],
    ],
    weights: [[8], [8]],
    differentiated: 0,
    build: ([dy, x], [w, b]) =>
      apply(ops.layerNormInputGradientRule, [dy as Value, x as Value, w as Value, b as Value], { epsilon: 1e-5 }),
  },
  ...[6, 96].flatMap((keys) => ([0, 1, 2] as const).map((wrt) => attentionGradient(keys, wrt))),
  {
    rule: ops.siluGradientRule,
    inputs: [[7], [7]],
    differentiated: 0,
    build: (xs) => apply(ops.siluGradientRule, xs, { alpha: 1 }),
  },
  { rule: ops.reluGradientRule, inputs: [[7], [7]], differentiated: 0, build: (xs) => apply(ops.reluGradientRule, xs) },
  { rule: ops.geluGradientRule, inputs: [[7], [7]], differentiated: 0, build: (xs) => apply(ops.geluGradientRule, xs) },
  {
    rule: ops.resizeNearestGradientRule,
    inputs: [[1, 2, 4, 6]],
    differentiated: 0,
    build: (xs) => apply(ops.resizeNearestGradientRule, xs),
  },
  {
    rule: ops.weightedDifferenceRule,
    inputs: [image, image, [2, 1, 6, 6]],
    differentiated: 0,
    build: (xs) => apply(ops.weightedDifferenceRule, xs),
  },
];

const engine = testEngine();
const nameOf = (c: Case): string => (c.note ? `${c.rule.name} (${c.note})` : c.rule.name);

function prepare(c: Case) {
  const inputs = c.inputs.map((shape, i) => input(`x${i}`, shape));
  const weights = (c.weights ?? []).map((shape, i) => constant(values(shape, 50 + i).data, shape));
  const feeds: Record<string, Tensor> = Object.fromEntries(c.inputs.map((shape, i) => [`x${i}`, values(shape, i + 1)]));
  return { inputs, feeds, output: c.build(inputs, weights) };
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

test("every rule has a case in this file", () => {
  const covered = new Set(cases.map((c) => c.rule.name));
  expect(
    allRules()
      .map((rule) => rule.name)
      .filter((name) => !covered.has(name)),
  ).toEqual([]);
});

for (const c of cases.filter(({ differentiated }) => differentiated > 0)) {
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

for (const c of cases.filter(({ rule }) => rule.lowerings.cpu)) {
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

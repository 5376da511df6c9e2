import fc from "fast-check";
import { expect, test } from "vitest";
import { gradient } from "../../functions/autodiff/gradient.ts";
import { walk } from "../../functions/graph/graph.ts";
import { constant, input, type OpValue, type Value, weight } from "../../functions/graph/value.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { add } from "../../functions/ops/add.ts";
import { concat } from "../../functions/ops/concat.ts";
import { linear } from "../../functions/ops/linear.ts";
import { multiply } from "../../functions/ops/multiply.ts";
import { reshape } from "../../functions/ops/reshape.ts";
import { silu } from "../../functions/ops/silu.ts";
import { slice } from "../../functions/ops/slice.ts";
import { squaredError } from "../../functions/ops/squared-error.ts";
import { sumTo } from "../../functions/ops/sum-to.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { testEngine, values } from "../support/evaluate.ts";

const engine = testEngine("lean");
const shape = [2, 4];
const matrix = (seed: number): Value =>
  constant(
    values([4, 4], seed).data.map((v) => v / 2),
    [4, 4],
  );

/** Ways to make one [2, 4] value from two. */
const builders: readonly ((a: Value, b: Value, seed: number) => Value)[] = [
  (a, b) => add(a, b),
  (a, b) => multiply(a, b),
  (a) => silu(a),
  (a, _, seed) => linear(a, matrix(seed), constant(values([4], seed + 1).data, [4])),
  (a, b) => reshape(slice(concat([reshape(a, [4, 2]), reshape(b, [4, 2])], 0), 0, 2, 6), shape),
  (a, b) => slice(concat([a, b], 1), 1, 3, 7),
  (a, b) => add(a, slice(b, 0, 1, 2)),
];
const recipes = fc.array(fc.tuple(fc.nat(builders.length - 1), fc.nat(), fc.nat(), fc.nat(50)), {
  minLength: 1,
  maxLength: 9,
});

function build(recipe: readonly (readonly [number, number, number, number])[]) {
  const sources = [input("a", shape), input("b", shape)];
  const pool: Value[] = [...sources];
  for (const [builder, i, j, seed] of recipe) {
    const [a, b] = [pool[i % pool.length] as Value, pool[j % pool.length] as Value];
    pool.push((builders[builder] as (typeof builders)[number])(a, b, seed));
  }
  // Every leaf counts, so that all that was built is differentiated; both sources always are.
  const used = new Set(pool.flatMap((value) => (value.kind === "op" ? value.inputs : [])));
  const leaves = pool.filter((value) => value.kind === "input" || !used.has(value));
  const loss = leaves.reduce<Value>((sum, leaf, i) => {
    const term = sumTo(multiply(leaf, constant(values(shape, 70 + i).data, shape)), []);
    return add(sum, term);
  }, constant(0));
  return { sources, loss };
}

test("gradients of random graphs, parts shared and unused, equal finite differences", async () => {
  await fc.assert(
    fc.asyncProperty(recipes, async (recipe) => {
      const { sources, loss } = build(recipe);
      // Half the size keeps products of products near one, where differences are accurate.
      const at = { a: values(shape, 5), b: values(shape, 6) };
      const small = (t: Tensor, step: number, direction: Tensor): Tensor => ({
        ...t,
        data: t.data.map((v, i) => v / 2 + step * (direction.data[i] as number)),
      });
      const direction = { a: values(shape, 7), b: values(shape, 8) };
      const feeds = (step: number) => ({ a: small(at.a, step, direction.a), b: small(at.b, step, direction.b) });
      const [da, db] = gradient(loss, sources) as [Value, Value];
      const session = await engine.load(lower({ outputs: { y: loss, da, db } }, { preset: "lean", target: "plain" }));
      const slopes = await session.run(feeds(0));
      const lossAt = async (step: number) => (await session.run(feeds(step)))["y"]?.data[0] as number;
      const dot = (x: Tensor, y: Tensor): number => x.data.reduce((sum, v, i) => sum + v * (y.data[i] as number), 0);
      const analytic = dot(slopes["da"] as Tensor, direction.a) + dot(slopes["db"] as Tensor, direction.b);
      const size = Math.hypot(...(slopes["da"] as Tensor).data, ...(slopes["db"] as Tensor).data, 1);
      const difference = async (h: number) => ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
      const numeric = (4 * (await difference(0.01)) - (await difference(0.02))) / 3;
      await session.close();
      expect(Math.abs(analytic - numeric)).toBeLessThan(2e-3 * size);
    }),
    { numRuns: 10 },
  );
});

test("nothing upstream of the first use of the source is visited: an op without a rule there is no obstacle", () => {
  const [source, other] = [input("x", [2, 4]), input("y", [2, 4])];
  const foreign: OpValue = {
    kind: "op",
    op: "fourier",
    label: "upstream",
    inputs: [other],
    attributes: {},
    shape: [2, 4],
    dtype: "f32",
  };
  const product = multiply(foreign, source);
  const [slope] = gradient(sumTo(product, []), [source]) as [Value];
  // dL/dx is the upstream value itself, not another copy of what made it.
  expect(walk([slope]).filter((value) => value.kind === "op" && value.op === "fourier")).toEqual([foreign]);
  expect(() => gradient(sumTo(product, []), [other])).toThrow(/"fourier".*"upstream"/);
});

test("a branch that the source does not reach adds no nodes", () => {
  const source = input("x", [2, 4]);
  let other: Value = input("y", [2, 4]);
  for (let i = 0; i < 50; i++) other = silu(other);
  const loss = sumTo(add(multiply(source, source), other), []);
  const [slope] = gradient(loss, [source]) as [Value];
  expect(walk([slope]).some((value) => value.kind === "op" && value.op.startsWith("silu"))).toBe(false);
});

test("the gradient of a source in itself is one; a source may be the result of another", () => {
  const x = input("x", [3]);
  expect(gradient(x, [x])).toEqual([constant(1, [3])]);
  const y = silu(x);
  const [dx, dy] = gradient(sumTo(multiply(y, y), []), [x, y]) as [Value, Value];
  expect(dx.shape).toEqual([3]);
  // What reaches x has come through y.
  expect(walk([dx]).includes(dy)).toBe(true);
});

test("layers that read the same value send their gradients back in one node", () => {
  const x = input("x", [2, 4]);
  const hidden = silu(x);
  const layers = [11, 12, 13].map((seed) => linear(hidden, matrix(seed)));
  const read = linear(x, matrix(14));
  const loss = sumTo([...layers, read, x].reduce(multiply), []);
  const [dx] = gradient(loss, [x]) as [Value];
  const products = walk([dx]).filter((value) => value.kind === "op" && value.op === "linearInputGradient");
  expect(products.map((value) => (value as OpValue).inputs.length).sort()).toEqual([2, 6]);
});

test("a loss that does not depend on the source is an error that names it", () => {
  const loss = sumTo(silu(input("x", [2])), []);
  expect(() => gradient(loss, [input("elsewhere", [2])])).toThrow("the loss does not depend on elsewhere");
  expect(() => gradient(loss, [silu(input("z", [2]))])).toThrow("the loss does not depend on op");
});

test("weights are frozen, and second derivatives that no rule defines say so", () => {
  const x = input("x", [2, 4]);
  const w = weight("unet/fc.weight", [4, 4], { file: "/w", offset: 0, length: 64, storage: "F32" });
  const loss = sumTo(linear(x, w), []);
  expect(() => gradient(loss, [w])).toThrow(/linear "unet\/fc": weights are frozen/);
  const error = squaredError(silu(x), constant(0, [2, 4]), constant(1, [1, 1]));
  const [slope] = gradient(sumTo(error, []), [x]) as [Value];
  expect(() => gradient(sumTo(slope, []), [x])).toThrow(
    /second derivatives are not defined; add a rule in functions\/ops/,
  );
});

test("an op whose rule lacks a gradient names op, node, input and folder", () => {
  const x = input("x", [2]);
  const y: OpValue = { ...(add(x, x) as OpValue), inputs: [constant(1, [2]), constant(1, [2]), x], label: "unet/sum" };
  expect(() => gradient(sumTo(y, []), [x])).toThrow(
    /"add" \(node "unet\/sum"\) has no gradient for input 2.*functions\/ops/,
  );
});

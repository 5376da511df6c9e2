import type { Value } from "../graph/value.ts";
import { type Shape, sizeOf } from "../tensor/tensor.ts";
import { Add, Concat, FusedMatMul, Gemm, MatMul, Reshape } from "./primitives.ts";
import { apply, expect, frozen, once, operand, type Rule } from "./rule.ts";

/** y = x Wᵀ + b; x: [..., I], W: [O, I], b: [O]. dL/dx = dL/dy W. */
export const linearRule: Rule = {
  name: "linear",
  arity: { atLeast: 2, atMost: 3 },
  shape: ([x, w, b]) => {
    expect(w.length === 2, `the weight must be [O, I], got [${w}]`);
    expect(x.at(-1) === w[1], `x [${x}] and weight [${w}] differ in their last dimension`);
    expect(b === undefined || (b.length === 1 && b[0] === w[0]), `the bias must be [${w[0]}], got [${b}]`);
    return x.with(-1, w[0] as number);
  },
  gradients: [(dy, node) => linearInputGradient(dy, operand(node, 1)), frozen, frozen],
  lowerings: {
    plain: (e, [x, w, b], node) => {
      const rows = Reshape(e, x, [sizeOf(node.shape.slice(0, -1)), x.shape.at(-1) as number]);
      return Reshape(e, Gemm(e, rows, w, b ?? null), node.shape);
    },
    // Without a bias one product that turns the weight by itself does without the two reshapes.
    cpu: (e, operands, node) => {
      const [x, w] = operands;
      return operands.length > 2
        ? linearRule.lowerings.plain(e, operands, node)
        : FusedMatMul(e, x, w, { transB: true });
    },
  },
};

/** dx = Σ dyᵢ Wᵢ over pairs of inputs dyᵢ [..., Oᵢ], Wᵢ [Oᵢ, I]: all the layers that read the same x. */
export const linearInputGradientRule: Rule = {
  name: "linearInputGradient",
  arity: { atLeast: 2 },
  shape: (shapes) => {
    expect(shapes.length % 2 === 0, `expected pairs of dy and weight, got ${shapes.length} inputs`);
    const pairs = pairsOf(shapes);
    const results = pairs.map(([dy, w]) => {
      expect(dy.at(-1) === w[0], `dy [${dy}] does not end in the outputs of its weight [${w}]`);
      return dy.with(-1, w[1] as number);
    });
    const first = results[0] as Shape;
    expect(
      results.every((shape) => shape.join() === first.join()),
      `the layers' inputs differ: ${results.map((shape) => `[${shape}]`).join(" ")}`,
    );
    return first;
  },
  gradients: () => once,
  sum: (nodes) =>
    apply(
      linearInputGradientRule,
      nodes.flatMap((node) => node.inputs),
    ),
  lowerings: {
    plain: (e, operands) =>
      pairsOf(operands)
        .map(([dy, w]) => MatMul(e, dy, w))
        .reduce((sum, product) => Add(e, sum, product)),
    // [dy₁ | dy₂ …] times the weights one below the other, joined once at load; `lean` does without that copy.
    cpu: (e, operands, node) => {
      const pairs = pairsOf(operands);
      if (pairs.length === 1 || e.preset === "lean") return linearInputGradientRule.lowerings.plain(e, operands, node);
      const [dys, ws] = [pairs.map(([dy]) => dy), pairs.map(([, w]) => w)];
      const stacked = e.once(`stacked ${ws.map((w) => w.name).join()}`, () => Concat(e, ws, 0));
      return MatMul(e, Concat(e, dys, node.shape.length - 1), stacked);
    },
  },
};

const pairsOf = <T>(list: readonly T[]): readonly (readonly [T, T])[] =>
  Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] as T, list[2 * i + 1] as T]);

export const linear = (x: Value, weight: Value, bias?: Value): Value =>
  apply(linearRule, bias ? [x, weight, bias] : [x, weight]);
export const linearInputGradient = (dy: Value, weight: Value): Value => apply(linearInputGradientRule, [dy, weight]);

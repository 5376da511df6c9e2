import type { Value } from "../graph/value.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { Gemm, MatMul, Reshape } from "./primitives.ts";
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
  },
};

/** dx = dy W; dy: [..., O], W: [O, I]. */
export const linearInputGradientRule: Rule = {
  name: "linearInputGradient",
  arity: 2,
  shape: ([dy, w]) => {
    expect(dy.at(-1) === w[0], `dy [${dy}] does not end in the weight's ${w[0]} outputs`);
    return dy.with(-1, w[1] as number);
  },
  gradients: [once, frozen],
  lowerings: { plain: (e, [dy, w]) => MatMul(e, dy, w) },
};

export const linear = (x: Value, weight: Value, bias?: Value): Value =>
  apply(linearRule, bias ? [x, weight, bias] : [x, weight]);
export const linearInputGradient = (dy: Value, weight: Value): Value => apply(linearInputGradientRule, [dy, weight]);

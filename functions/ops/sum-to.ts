import type { Value } from "../graph/value.ts";
import type { Shape } from "../tensor/tensor.ts";
import { broadcastAxes, broadcastShape } from "./broadcast.ts";
import { ReduceSum, Reshape } from "./primitives.ts";
import { apply, expect, list, operand, type Rule } from "./rule.ts";

const fits = (small: Shape, large: Shape): void => {
  const joined = broadcastShape(small, large);
  expect(
    joined.length === large.length && joined.every((dim, i) => dim === large[i]),
    `[${small}] does not broadcast to [${large}]`,
  );
};

/** Sums over the axes along which `shape` was broadcast: the adjoint of broadcasting. */
export const sumToRule: Rule = {
  name: "sumTo",
  arity: 1,
  shape: ([x], attributes) => {
    const shape = list({ attributes }, "shape");
    fits(shape, x);
    return shape;
  },
  gradients: [(dy, node) => broadcastTo(dy, operand(node, 0).shape)],
  lowerings: {
    plain: (e, [x], node) => {
      const axes = broadcastAxes(x.shape, node.shape);
      return Reshape(e, axes.length > 0 ? ReduceSum(e, x, axes) : x, node.shape);
    },
  },
};

/** Repeats along broadcast axes; the adjoint of sumTo. */
export const broadcastToRule: Rule = {
  name: "broadcastTo",
  arity: 1,
  shape: ([x], attributes) => {
    const shape = list({ attributes }, "shape");
    fits(x, shape);
    return shape;
  },
  gradients: [(dy, node) => sumTo(dy, operand(node, 0).shape)],
  lowerings: { plain: (e, [x], node) => e.emit("Expand", [x, e.i64(node.shape)], node.shape) },
};

export const sumTo = (x: Value, shape: Shape): Value => apply(sumToRule, [x], { shape });
export const broadcastTo = (x: Value, shape: Shape): Value => apply(broadcastToRule, [x], { shape });

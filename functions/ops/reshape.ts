import type { Value } from "../graph/value.ts";
import { type Shape, sizeOf } from "../tensor/tensor.ts";
import { Reshape } from "./primitives.ts";
import { apply, expect, list, operand, type Rule } from "./rule.ts";

/** The same data under another shape. */
export const reshapeRule: Rule = {
  name: "reshape",
  arity: 1,
  shape: ([x], attributes) => {
    const shape = list({ attributes }, "shape");
    expect(sizeOf(x) === sizeOf(shape), `[${x}] has ${sizeOf(x)} elements, [${shape}] has ${sizeOf(shape)}`);
    return shape;
  },
  gradients: [(dy, node) => reshape(dy, operand(node, 0).shape)],
  lowerings: { plain: (e, [x], node) => Reshape(e, x, node.shape) },
};

export const reshape = (x: Value, shape: Shape): Value => apply(reshapeRule, [x], { shape });

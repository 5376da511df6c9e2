import type { Value } from "../graph/value.ts";
import { Mul } from "./primitives.ts";
import { apply, once, operand, type Rule } from "./rule.ts";

/** y = max(x, 0) (Nair & Hinton 2010). */
export const reluRule: Rule = {
  name: "relu",
  arity: 1,
  shape: ([x]) => x,
  gradients: [(dy, node) => apply(reluGradientRule, [dy, operand(node, 0)])],
  lowerings: { plain: (e, [x]) => e.emit("Relu", [x], x.shape) },
};

/** dx = dy where x > 0, else 0: at 0 itself 0, as PyTorch has it. sign(max(x, 0)) is that mask in numbers. */
export const reluGradientRule: Rule = {
  name: "reluGradient",
  arity: 2,
  shape: ([, x]) => x,
  gradients: [once, once],
  lowerings: { plain: (e, [dy, x]) => Mul(e, dy, e.emit("Sign", [e.emit("Relu", [x], x.shape)], x.shape)) },
};

export const relu = (x: Value): Value => apply(reluRule, [x]);

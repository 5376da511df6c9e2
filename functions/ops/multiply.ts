import { constant, type Value } from "../graph/value.ts";
import { broadcastShape } from "./broadcast.ts";
import { Mul } from "./primitives.ts";
import { apply, operand, type Rule } from "./rule.ts";

/** y = a · b elementwise with broadcasting. dL/da = dL/dy · b, dL/db = dL/dy · a. */
export const multiplyRule: Rule = {
  name: "multiply",
  arity: 2,
  shape: ([a, b]) => broadcastShape(a, b),
  gradients: [(dy, node) => multiply(dy, operand(node, 1)), (dy, node) => multiply(dy, operand(node, 0))],
  lowerings: { plain: (e, [a, b]) => Mul(e, a, b) },
};

export const multiply = (a: Value, b: Value): Value => apply(multiplyRule, [a, b]);

/** x times a number. */
export const scale = (x: Value, factor: number): Value => multiply(x, constant(factor));

import type { Value } from "../graph/value.ts";
import { broadcastShape } from "./broadcast.ts";
import { Add } from "./primitives.ts";
import { apply, type Rule } from "./rule.ts";

/** y = a + b with broadcasting. dL/da = dL/dy, dL/db = dL/dy; the reverse walk sums over broadcast axes. */
export const addRule: Rule = {
  name: "add",
  arity: 2,
  shape: ([a, b]) => broadcastShape(a, b),
  gradients: [(dy) => dy, (dy) => dy],
  lowerings: { plain: (e, [a, b]) => Add(e, a, b) },
};

export const add = (a: Value, b: Value): Value => apply(addRule, [a, b]);

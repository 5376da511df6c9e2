import type { Value } from "../graph/value.ts";
import { Transpose } from "./primitives.ts";
import { apply, expect, list, type Rule } from "./rule.ts";

/** Output axis i is input axis perm[i]; the gradient transposes back. */
export const transposeRule: Rule = {
  name: "transpose",
  arity: 1,
  shape: ([x], attributes) => {
    const perm = list({ attributes }, "perm");
    expect(
      perm.length === x.length && [...perm].sort((a, b) => a - b).every((axis, i) => axis === i),
      `[${perm}] is no permutation of the axes of [${x}]`,
    );
    return perm.map((axis) => x[axis] as number);
  },
  gradients: [
    (dy, node) => {
      const perm = list(node, "perm");
      return transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      );
    },
  ],
  lowerings: { plain: (e, [x], node) => Transpose(e, x, list(node, "perm")) },
};

export const transpose = (x: Value, perm: readonly number[]): Value => apply(transposeRule, [x], { perm });

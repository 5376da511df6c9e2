import type { Value } from "../graph/value.ts";
import { Concat } from "./primitives.ts";
import { apply, expect, number, operand, type Rule } from "./rule.ts";
import { slice } from "./slice.ts";

/** Joins along one axis; each input's gradient is its slice of dy. */
export const concatRule: Rule = {
  name: "concat",
  arity: { atLeast: 1 },
  shape: (shapes, attributes) => {
    const axis = number({ attributes }, "axis");
    const [first] = shapes;
    expect(axis >= 0 && axis < first.length, `axis ${axis} of [${first}] does not exist`);
    const fits = shapes.every((s) => s.length === first.length && s.every((dim, i) => i === axis || dim === first[i]));
    expect(fits, `shapes ${shapes.map((s) => `[${s}]`).join(" ")} differ outside axis ${axis}`);
    return first.with(
      axis,
      shapes.reduce((sum, s) => sum + (s[axis] as number), 0),
    );
  },
  gradients: (index) => (dy, node) => {
    const axis = number(node, "axis");
    const sizes = node.inputs.map((value) => value.shape[axis] as number);
    const start = sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    return slice(dy, axis, start, start + (operand(node, index).shape[axis] as number));
  },
  lowerings: { plain: (e, xs, node) => Concat(e, xs, number(node, "axis")) },
};

export const concat = (xs: readonly Value[], axis: number): Value => apply(concatRule, xs, { axis });

import type { Value } from "../graph/value.ts";
import type { OnnxValue } from "./emitter.ts";
import { Slice } from "./primitives.ts";
import { apply, expect, number, operand, type Rule } from "./rule.ts";

/** Elements start ≤ i < end of one axis. */
export const sliceRule: Rule = {
  name: "slice",
  arity: 1,
  shape: ([x], attributes) => {
    const [axis, start, end] = ["axis", "start", "end"].map((key) => number({ attributes }, key)) as [
      number,
      number,
      number,
    ];
    expect(start >= 0 && start < end && end <= (x[axis] ?? 0), `${start}…${end} is outside axis ${axis} of [${x}]`);
    return x.with(axis, end - start);
  },
  gradients: [
    (dy, node) => {
      const axis = number(node, "axis");
      const before = number(node, "start");
      return pad(dy, axis, before, (operand(node, 0).shape[axis] as number) - number(node, "end"));
    },
  ],
  lowerings: {
    plain: (e, [x], node) => Slice(e, x, number(node, "axis"), number(node, "start"), number(node, "end")),
  },
};

/** Zeros before and after along one axis; the adjoint of slice. */
export const padRule: Rule = {
  name: "pad",
  arity: 1,
  shape: ([x], attributes) => {
    const axis = number({ attributes }, "axis");
    return x.with(axis, (x[axis] as number) + number({ attributes }, "before") + number({ attributes }, "after"));
  },
  gradients: [
    (dy, node) => {
      const axis = number(node, "axis");
      const before = number(node, "before");
      return slice(dy, axis, before, before + (operand(node, 0).shape[axis] as number));
    },
  ],
  lowerings: {
    plain: (e, [x], node) => {
      const { shape } = x as OnnxValue;
      const along = (key: string): number[] =>
        shape.map((_, i) => (i === number(node, "axis") ? number(node, key) : 0));
      return e.emit("Pad", [x, e.i64([...along("before"), ...along("after")])], node.shape);
    },
  },
};

export const slice = (x: Value, axis: number, start: number, end: number): Value =>
  apply(sliceRule, [x], { axis, start, end });
export const pad = (x: Value, axis: number, before: number, after: number): Value =>
  apply(padRule, [x], { axis, before, after });

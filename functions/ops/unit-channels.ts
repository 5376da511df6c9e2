import type { Value } from "../graph/value.ts";
import { Add, Mul, ReduceSum } from "./primitives.ts";
import { apply, expect, forwardOnly, number, type Rule } from "./rule.ts";

/** y = x / (‖x‖₂ + epsilon), the norm taken over the channels of every position; x: [B, C, H, W]. */
export const unitChannelsRule: Rule = {
  name: "unitChannels",
  arity: 1,
  shape: ([x]) => {
    expect(x.length === 4, `x must be [B, C, H, W], got [${x}]`);
    return x;
  },
  gradients: [forwardOnly],
  lowerings: {
    plain: (e, [x], node) => {
      const squares = ReduceSum(e, Mul(e, x, x), [1]);
      const norm = e.emit("Sqrt", [squares], squares.shape);
      return e.emit("Div", [x, Add(e, norm, e.f32(number(node, "epsilon")))], x.shape);
    },
  },
};

export const unitChannels = (x: Value, epsilon: number): Value => apply(unitChannelsRule, [x], { epsilon });

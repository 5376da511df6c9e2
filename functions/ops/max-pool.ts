import type { Value } from "../graph/value.ts";
import { apply, expect, forwardOnly, number, type Rule } from "./rule.ts";

/** The largest value of every k×k window, without padding; what a last, incomplete window would cover is left out.
 * x: [B, C, H, W]; attributes kernel, stride. */
export const maxPoolRule: Rule = {
  name: "maxPool",
  arity: 1,
  shape: ([x], attributes) => {
    const [kernel, stride] = [number({ attributes }, "kernel"), number({ attributes }, "stride")];
    expect(x.length === 4, `x must be [B, C, H, W], got [${x}]`);
    const [batch, channels, height, width] = x as [number, number, number, number];
    expect(height >= kernel && width >= kernel, `a ${kernel}×${kernel} window does not fit into ${height}×${width}`);
    const out = (size: number): number => Math.floor((size - kernel) / stride) + 1;
    return [batch, channels, out(height), out(width)];
  },
  gradients: [forwardOnly],
  lowerings: {
    plain: (e, [x], node) => {
      const [kernel, stride] = [number(node, "kernel"), number(node, "stride")];
      const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride] };
      return e.emit("MaxPool", [x], node.shape, { attributes });
    },
  },
};

export const maxPool = (x: Value, kernel: number, stride: number): Value => apply(maxPoolRule, [x], { kernel, stride });

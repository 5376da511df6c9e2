import type { Value } from "../graph/value.ts";
import { AveragePool2, Mul } from "./primitives.ts";
import { apply, expect, once, type Rule } from "./rule.ts";

/** Doubles height and width by repeating pixels: [B, C, H, W] → [B, C, 2H, 2W]. */
export const resizeNearestRule: Rule = {
  name: "resizeNearest",
  arity: 1,
  shape: ([x]) => {
    expect(x.length === 4, `x must be [B, C, H, W], got [${x}]`);
    const [batch, channels, height, width] = x as [number, number, number, number];
    return [batch, channels, 2 * height, 2 * width];
  },
  gradients: [(dy) => apply(resizeNearestGradientRule, [dy])],
  lowerings: {
    plain: (e, [x], node) =>
      e.emit("Resize", [x, null, e.f32(Float32Array.of(1, 1, 2, 2), [4])], node.shape, {
        attributes: { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      }),
  },
};

/** Sums each 2×2 block. */
export const resizeNearestGradientRule: Rule = {
  name: "resizeNearestGradient",
  arity: 1,
  shape: ([dy]) => {
    const [batch, channels, height, width] = dy as [number, number, number, number];
    expect(height % 2 === 0 && width % 2 === 0, `height and width of [${dy}] must be even`);
    return [batch, channels, height / 2, width / 2];
  },
  gradients: [once],
  lowerings: { plain: (e, [dy]) => Mul(e, AveragePool2(e, dy), e.f32(4)) },
};

export const resizeNearest = (x: Value): Value => apply(resizeNearestRule, [x]);

import type { Value } from "../graph/value.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";
import { Add, Mul, Sigmoid, Sub } from "./primitives.ts";
import { apply, number, once, operand, type Rule } from "./rule.ts";

/** y = x · sigmoid(alpha x): SiLU at alpha 1 (Elfwing et al. 2018), CLIP's quick GELU at 1.702 (Hendrycks & Gimpel 2016). */
export const siluRule: Rule = {
  name: "silu",
  arity: 1,
  shape: ([x]) => x,
  gradients: [(dy, node) => apply(siluGradientRule, [dy, operand(node, 0)], node.attributes)],
  lowerings: {
    plain: (e, [x], node) => Mul(e, x, sigmoidOf(e, x, number(node, "alpha"))),
    cpu: (e, [x], node) =>
      e.emit("QuickGelu", [x], x.shape, {
        domain: "com.microsoft",
        attributes: { alpha: { float: number(node, "alpha") } },
      }),
  },
};

/** dx = dy · s · (1 + alpha x (1 − s)), s = sigmoid(alpha x). */
export const siluGradientRule: Rule = {
  name: "siluGradient",
  arity: 2,
  shape: ([, x]) => x,
  gradients: [once, once],
  lowerings: {
    plain: (e, [dy, x], node) => {
      const alpha = number(node, "alpha");
      const s = sigmoidOf(e, x, alpha);
      const y = Mul(e, x, s);
      const slope = Sub(e, y, Mul(e, y, s));
      return Mul(e, dy, Add(e, s, alpha === 1 ? slope : Mul(e, slope, e.f32(alpha))));
    },
  },
};

export const silu = (x: Value): Value => apply(siluRule, [x], { alpha: 1 });
export const quickGelu = (x: Value): Value => apply(siluRule, [x], { alpha: 1.702 });

const sigmoidOf = (e: Emitter, x: OnnxValue, alpha: number): OnnxValue =>
  Sigmoid(e, alpha === 1 ? x : Mul(e, x, e.f32(alpha)));

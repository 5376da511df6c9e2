import type { Value } from "../graph/value.ts";
import { concat } from "./concat.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";
import { multiply } from "./multiply.ts";
import { Add, Erf, Exp, Mul, Slice, Sub } from "./primitives.ts";
import { apply, expect, once, operand, type Rule } from "./rule.ts";
import { slice } from "./slice.ts";

/** y = x · Phi(x), the exact GELU (Hendrycks & Gimpel 2016). */
export const geluRule: Rule = {
  name: "gelu",
  arity: 1,
  shape: ([x]) => x,
  gradients: [(dy, node) => apply(geluGradientRule, [dy, operand(node, 0)])],
  lowerings: { plain: (e, [x]) => e.emit("Gelu", [x], x.shape) },
};

/** dx = dy · (Phi(x) + x phi(x)). */
export const geluGradientRule: Rule = {
  name: "geluGradient",
  arity: 2,
  shape: ([, x]) => x,
  gradients: [once, once],
  lowerings: {
    plain: (e, [dy, x]) => {
      // With u = x / √2: Phi(x) = (1 + erf u) / 2, within the limits of the hard sigmoid, and x phi(x) = u exp(−u² − ln √π).
      const u = Mul(e, x, e.f32(Math.SQRT1_2));
      const half = { alpha: { float: 0.5 }, beta: { float: 0.5 } };
      const cumulative = e.emit("HardSigmoid", [Erf(e, u)], x.shape, { attributes: half });
      const density = Exp(e, Sub(e, e.f32(-Math.log(Math.PI) / 2), Mul(e, u, u)));
      return Mul(e, dy, Add(e, cumulative, Mul(e, u, density)));
    },
  },
};

/** y = a · gelu(g) for x = [a | g] split in the middle of the last axis (Shazeer 2020). */
export const gegluRule: Rule = {
  name: "geglu",
  arity: 1,
  shape: ([x]) => {
    const width = x.at(-1) as number;
    expect(width % 2 === 0, `the last dimension of [${x}] must be even`);
    return x.with(-1, width / 2);
  },
  gradients: [
    (dy, node) => {
      const [a, g] = halves(operand(node, 0));
      return concat([multiply(dy, gelu(g)), apply(geluGradientRule, [multiply(dy, a), g])], node.shape.length - 1);
    },
  ],
  lowerings: {
    plain: (e, [x], node) => {
      const half = node.shape.at(-1) as number;
      const part = (start: number): OnnxValue => sliceOnce(e, x, start, start + half);
      return Mul(e, part(0), e.emit("Gelu", [part(half)], node.shape));
    },
  },
};

export const gelu = (x: Value): Value => apply(geluRule, [x]);
export const geglu = (x: Value): Value => apply(gegluRule, [x]);

function halves(x: Value): [Value, Value] {
  const axis = x.shape.length - 1;
  const half = (x.shape[axis] as number) / 2;
  return [slice(x, axis, 0, half), slice(x, axis, half, 2 * half)];
}

const sliceOnce = (e: Emitter, x: OnnxValue, start: number, end: number): OnnxValue =>
  e.once(`slice ${x.name} ${start}`, () => Slice(e, x, x.shape.length - 1, start, end));

import type { Value } from "../graph/value.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";
import { LayerNormalization, Mul, ReduceMean, Sub } from "./primitives.ts";
import { apply, expect, frozen, number, once, type Rule } from "./rule.ts";

/** Layer normalisation (Ba et al. 2016) over the last axis; scale and shift [D]. */
export const layerNormRule: Rule = {
  name: "layerNorm",
  arity: 3,
  shape: ([x, w, b]) => {
    const width = x.at(-1);
    expect(
      w.join() === `${width}` && b.join() === `${width}`,
      `scale and shift must be [${width}], got [${w}], [${b}]`,
    );
    return x;
  },
  gradients: [(dy, node) => apply(layerNormInputGradientRule, [dy, ...node.inputs], node.attributes), frozen, frozen],
  lowerings: { plain: (e, [x, w, b], node) => layerNormalise(e, x, w, b, number(node, "epsilon")).y },
};

/** dL/dx of layerNorm; inputs dy, x, scale, shift (the shift only to share the forward's statistics). */
export const layerNormInputGradientRule: Rule = {
  name: "layerNormInputGradient",
  arity: 4,
  shape: ([dy, x]) => {
    expect(dy.join() === x.join(), `dy [${dy}] and x [${x}] differ`);
    return x;
  },
  gradients: [once, once, frozen, frozen],
  lowerings: {
    plain: (e, [dy, x, w, b], node) => {
      const { mean, inverseStd } = layerNormalise(e, x, w, b, number(node, "epsilon"));
      return normalisedGradient(e, Mul(e, dy, w), Mul(e, Sub(e, x, mean), inverseStd), inverseStd);
    },
  },
};

export const layerNorm = (x: Value, scale: Value, shift: Value, epsilon: number): Value =>
  apply(layerNormRule, [x, scale, shift], { epsilon });

const layerNormalise = (e: Emitter, x: OnnxValue, w: OnnxValue, b: OnnxValue, epsilon: number) =>
  e.once(`layer statistics ${x.name} ${w.name}`, () => LayerNormalization(e, x, w, b, epsilon));

/** For y = (x − mean) · inverseStd over the last axis: dx = inverseStd · (g − mean(g) − y · mean(g · y)). */
export function normalisedGradient(e: Emitter, g: OnnxValue, y: OnnxValue, inverseStd: OnnxValue): OnnxValue {
  const last = [y.shape.length - 1];
  const centred = Sub(e, g, ReduceMean(e, g, last));
  const along = Mul(e, y, ReduceMean(e, Mul(e, g, y), last));
  return Mul(e, Sub(e, centred, along), inverseStd);
}

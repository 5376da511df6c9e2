import type { Value } from "../graph/value.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";
import { normalisedGradient } from "./layer-norm.ts";
import { Add, LayerNormalization, Mul, Reshape } from "./primitives.ts";
import { apply, expect, frozen, number, once, operand, type Rule } from "./rule.ts";

/** Group normalisation (Wu & He 2018): x [B, C, H, W] normalised over each of `groups` groups of channels, then scaled
 * and shifted per channel by w, b [C]. */
export const groupNormRule: Rule = {
  name: "groupNorm",
  arity: 3,
  shape: ([x, w, b], attributes) => {
    const groups = number({ attributes }, "groups");
    expect(x.length === 4, `x must be [B, C, H, W], got [${x}]`);
    expect((x[1] as number) % groups === 0, `${x[1]} channels do not divide into ${groups} groups`);
    expect(
      w.length === 1 && w[0] === x[1] && b[0] === x[1],
      `scale and shift must be [${x[1]}], got [${w}] and [${b}]`,
    );
    return x;
  },
  gradients: [
    (dy, node) => apply(groupNormInputGradientRule, [dy, operand(node, 0), operand(node, 1)], node.attributes),
    frozen,
    frozen,
  ],
  lowerings: {
    plain: (e, [x, w, b], node) => {
      const { y } = normalise(e, x, number(node, "groups"), number(node, "epsilon"));
      return Add(e, Mul(e, Reshape(e, y, x.shape), perChannel(e, w)), perChannel(e, b));
    },
  },
};

/** dL/dx of groupNorm from dy, x and the scale w. */
export const groupNormInputGradientRule: Rule = {
  name: "groupNormInputGradient",
  arity: 3,
  shape: ([dy, x]) => {
    expect(dy.join() === x.join(), `dy [${dy}] and x [${x}] differ`);
    return x;
  },
  gradients: [once, once, frozen],
  lowerings: {
    plain: (e, [dy, x, w], node) => {
      const { y, inverseStd } = normalise(e, x, number(node, "groups"), number(node, "epsilon"));
      const g = Reshape(e, Mul(e, dy, perChannel(e, w)), y.shape);
      return Reshape(e, normalisedGradient(e, g, y, inverseStd), x.shape);
    },
  },
};

export const groupNorm = (x: Value, scale: Value, shift: Value, groups: number, epsilon: number): Value =>
  apply(groupNormRule, [x, scale, shift], { groups, epsilon });

const perChannel = (e: Emitter, v: OnnxValue): OnnxValue =>
  e.once(`per channel ${v.name}`, () => Reshape(e, v, [1, v.shape[0] as number, 1, 1]));

/** x as [B, G, N] with every row at mean 0 and deviation 1; forward and backward share it. */
function normalise(e: Emitter, x: OnnxValue, groups: number, epsilon: number): ReturnType<typeof LayerNormalization> {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const size = (channels / groups) * height * width;
  return e.once(`group statistics ${x.name} ${groups} ${epsilon}`, () =>
    LayerNormalization(e, Reshape(e, x, [batch, groups, size]), e.f32(1, [size]), null, epsilon),
  );
}

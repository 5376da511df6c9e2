import type { Value } from "../graph/value.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { multiply, scale } from "./multiply.ts";
import { Mul, ReduceMean, Reshape, Sub } from "./primitives.ts";
import { reshape } from "./reshape.ts";
import { apply, expect, once, operand, type Rule } from "./rule.ts";

/** Per-picture loss mean(w · (p − t)²) over all but the first axis: prediction, target [B, ...] → [B]; the weights
 * broadcast to them. Denoising loss of Ho et al. 2020 (eq. 14), weighted by cell. */
export const squaredErrorRule: Rule = {
  name: "squaredError",
  arity: 3,
  shape: ([prediction, target, weights]) => {
    expect(prediction.join() === target.join(), `prediction [${prediction}] and target [${target}] differ`);
    expect(
      weights.length === prediction.length && weights.every((dim, i) => dim === 1 || dim === prediction[i]),
      `weights [${weights}] do not broadcast to [${prediction}]`,
    );
    return [prediction[0] as number];
  },
  gradients: [
    (dy, node) => {
      const { shape } = operand(node, 0);
      const perPicture = reshape(dy, [shape[0] as number, ...shape.slice(1).map(() => 1)]);
      const slope = apply(weightedDifferenceRule, node.inputs);
      return multiply(slope, scale(perPicture, (2 * (shape[0] as number)) / sizeOf(shape)));
    },
    once,
    once,
  ],
  lowerings: {
    plain: (e, [prediction, target, weights], node) => {
      const difference = Sub(e, prediction, target);
      const error = Mul(e, Mul(e, difference, difference), weights);
      return Reshape(
        e,
        ReduceMean(
          e,
          error,
          prediction.shape.slice(1).map((_, i) => i + 1),
        ),
        node.shape,
      );
    },
  },
};

/** w · (p − t). */
export const weightedDifferenceRule: Rule = {
  name: "weightedDifference",
  arity: 3,
  shape: ([prediction]) => prediction,
  gradients: [once, once, once],
  lowerings: { plain: (e, [prediction, target, weights]) => Mul(e, Sub(e, prediction, target), weights) },
};

export const squaredError = (prediction: Value, target: Value, weights: Value): Value =>
  apply(squaredErrorRule, [prediction, target, weights]);

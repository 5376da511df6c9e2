import { constant, type Value } from "../../functions/graph/value.ts";
import { apply, type Rule } from "../../functions/ops/rule.ts";
import * as ops from "../../functions/ops/rules.ts";
import type { Shape } from "../../functions/tensor/tensor.ts";

/** One way to use a rule: the shapes of its activations, of its frozen weights, and the call. */
export interface RuleCase {
  readonly rule: Rule;
  readonly note?: string;
  readonly inputs: readonly Shape[];
  readonly weights?: readonly Shape[];
  /** How many of the inputs are differentiated, from the first; none for rules that only appear in backward graphs. */
  readonly differentiated: number;
  readonly build: (inputs: Value[], weights: Value[]) => Value;
}

const image = [2, 4, 6, 6];
const first = (xs: Value[]): Value => xs[0] as Value;
const conv = (stride: number, pads: number[], kernel: number): Omit<RuleCase, "note"> => ({
  rule: ops.convRule,
  inputs: [image],
  weights: [[3, 4, kernel, kernel], [3]],
  differentiated: 1,
  build: ([x], [w, b]) => ops.conv(x as Value, w as Value, b, { stride, pads }),
});
/** In q, k or v, `wrt` 0, 1, 2; from 81 keys on the row sum takes another way. */
const attentionGradient = (keys: number, wrt: 0 | 1 | 2): RuleCase => ({
  rule: ops.attentionGradientRule,
  note: `in ${["q", "k", "v"][wrt]}, ${keys} keys`,
  inputs: [
    [2, 4, 8],
    [2, keys, 8],
    [2, keys, 8],
    [2, 4, 8],
  ],
  differentiated: 0,
  build: ([q, k, v, dy]) => {
    const y = ops.attention(q as Value, k as Value, v as Value, 2);
    const operands = [q as Value, k as Value, v as Value, y, dy as Value];
    return apply(ops.attentionGradientRule, operands, { heads: 2, causal: false, wrt });
  },
});

const attention = (queries: number, keys: number, causal: boolean): Omit<RuleCase, "note"> => ({
  rule: ops.attentionRule,
  inputs: [
    [2, queries, 8],
    [2, keys, 8],
    [2, keys, 8],
  ],
  differentiated: 3,
  build: ([q, k, v]) => ops.attention(q as Value, k as Value, v as Value, 2, causal),
});

/** At least one for every rule: rules.test.ts differentiates, lowers and compares them. */
export const ruleCases: readonly RuleCase[] = [
  { rule: ops.addRule, inputs: [[2, 3], [3]], differentiated: 2, build: ([a, b]) => ops.add(a as Value, b as Value) },
  {
    rule: ops.multiplyRule,
    inputs: [
      [2, 3],
      [2, 1],
    ],
    differentiated: 2,
    build: ([a, b]) => ops.multiply(a as Value, b as Value),
  },
  {
    rule: ops.multiplyRule,
    note: "by itself",
    inputs: [[5]],
    differentiated: 1,
    build: ([a]) => ops.multiply(a as Value, a as Value),
  },
  { rule: ops.sumToRule, inputs: [[2, 3, 4]], differentiated: 1, build: ([x]) => ops.sumTo(x as Value, [3, 1]) },
  {
    rule: ops.broadcastToRule,
    inputs: [[3, 1]],
    differentiated: 1,
    build: ([x]) => ops.broadcastTo(x as Value, [2, 3, 4]),
  },
  { rule: ops.reshapeRule, inputs: [[2, 6]], differentiated: 1, build: ([x]) => ops.reshape(x as Value, [3, 4]) },
  {
    rule: ops.transposeRule,
    inputs: [[2, 3, 4]],
    differentiated: 1,
    build: ([x]) => ops.transpose(x as Value, [2, 0, 1]),
  },
  {
    rule: ops.concatRule,
    inputs: [
      [2, 3],
      [2, 2],
      [2, 1],
    ],
    differentiated: 3,
    build: (xs) => ops.concat(xs, 1),
  },
  { rule: ops.sliceRule, inputs: [[2, 5]], differentiated: 1, build: ([x]) => ops.slice(x as Value, 1, 1, 4) },
  { rule: ops.padRule, inputs: [[2, 3]], differentiated: 1, build: ([x]) => ops.pad(x as Value, 1, 1, 2) },
  {
    rule: ops.linearRule,
    inputs: [[2, 3, 4]],
    weights: [[5, 4], [5]],
    differentiated: 1,
    build: ([x], [w, b]) => ops.linear(x as Value, w as Value, b),
  },
  {
    rule: ops.linearRule,
    note: "without bias",
    inputs: [[3, 4]],
    weights: [[5, 4]],
    differentiated: 1,
    build: ([x], [w]) => ops.linear(x as Value, w as Value),
  },
  { note: "3×3 same", ...conv(1, [1, 1, 1, 1], 3) },
  { note: "1×1", ...conv(1, [0, 0, 0, 0], 1) },
  { note: "stride 2, padded all round", ...conv(2, [1, 1, 1, 1], 3) },
  { note: "stride 2, padded right and bottom", ...conv(2, [0, 0, 1, 1], 3) },
  {
    note: "3×3 same, 16 rows (the direct lowering)",
    ...conv(1, [1, 1, 1, 1], 3),
    inputs: [[1, 4, 16, 16]],
  },
  {
    rule: ops.groupNormRule,
    inputs: [image],
    weights: [[4], [4]],
    differentiated: 1,
    build: ([x], [w, b]) => ops.groupNorm(x as Value, w as Value, b as Value, 2, 1e-5),
  },
  {
    rule: ops.layerNormRule,
    inputs: [[2, 3, 8]],
    weights: [[8], [8]],
    differentiated: 1,
    build: ([x], [w, b]) => ops.layerNorm(x as Value, w as Value, b as Value, 1e-5),
  },
  {
    rule: ops.attentionProbabilitiesRule,
    inputs: [
      [2, 4, 8],
      [2, 7, 8],
    ],
    differentiated: 0,
    build: ([q, k]) => ops.attentionProbabilities(q as Value, k as Value, 2),
  },
  { note: "self", ...attention(5, 5, false) },
  { note: "cross", ...attention(4, 7, false) },
  { note: "causal", ...attention(5, 5, true) },
  { rule: ops.siluRule, inputs: [[2, 9]], differentiated: 1, build: (xs) => ops.silu(first(xs)) },
  {
    rule: ops.siluRule,
    note: "quick gelu",
    inputs: [[2, 9]],
    differentiated: 1,
    build: (xs) => ops.quickGelu(first(xs)),
  },
  { rule: ops.geluRule, inputs: [[2, 9]], differentiated: 1, build: (xs) => ops.gelu(first(xs)) },
  { rule: ops.gegluRule, inputs: [[2, 3, 8]], differentiated: 1, build: (xs) => ops.geglu(first(xs)) },
  {
    rule: ops.resizeNearestRule,
    inputs: [[2, 3, 4, 5]],
    differentiated: 1,
    build: (xs) => ops.resizeNearest(first(xs)),
  },
  {
    rule: ops.squaredErrorRule,
    inputs: [image, image, [2, 1, 6, 6]],
    differentiated: 1,
    build: ([p, t, w]) => ops.squaredError(p as Value, t as Value, w as Value),
  },
  {
    rule: ops.reluRule,
    inputs: [[2, 9]],
    differentiated: 1,
    // Inputs lie in [−1, 1]: no step of the finite differences crosses the kink.
    build: (xs) =>
      ops.relu(
        ops.add(
          first(xs),
          constant(
            new Float32Array(9).map((_, i) => (i % 3) * 4 - 2),
            [9],
          ),
        ),
      ),
  },
  // Judges only go forward.
  { rule: ops.maxPoolRule, inputs: [image], differentiated: 0, build: (xs) => ops.maxPool(first(xs), 3, 2) },
  { rule: ops.unitChannelsRule, inputs: [image], differentiated: 0, build: (xs) => ops.unitChannels(first(xs), 1e-10) },
  // Rules of backward graphs: their own gradients are not defined, their lowerings must agree all the same.
  {
    rule: ops.convInputGradientRule,
    inputs: [[2, 3, 6, 6]],
    weights: [[3, 4, 3, 3]],
    differentiated: 0,
    build: ([dy], [w]) =>
      apply(ops.convInputGradientRule, [dy as Value, w as Value], { stride: 1, pads: [1, 1, 1, 1], size: [6, 6] }),
  },
  {
    rule: ops.linearInputGradientRule,
    inputs: [[2, 3, 5]],
    weights: [[5, 4]],
    differentiated: 0,
    build: ([dy], [w]) => ops.linearInputGradient(dy as Value, w as Value),
  },
  {
    rule: ops.linearInputGradientRule,
    note: "of three layers that read the same x",
    inputs: [
      [2, 3, 5],
      [2, 3, 2],
      [2, 3, 5],
    ],
    weights: [
      [5, 4],
      [2, 4],
      [5, 4],
    ],
    differentiated: 0,
    build: (dys, ws) =>
      apply(
        ops.linearInputGradientRule,
        dys.flatMap((dy, i) => [dy, ws[i] as Value]),
      ),
  },
  {
    rule: ops.groupNormInputGradientRule,
    inputs: [image, image],
    weights: [[4]],
    differentiated: 0,
    build: ([dy, x], [w]) =>
      apply(ops.groupNormInputGradientRule, [dy as Value, x as Value, w as Value], { groups: 2, epsilon: 1e-5 }),
  },
  {
    rule: ops.layerNormInputGradientRule,
    inputs: [
      [3, 8],
      [3, 8],
    ],
    weights: [[8], [8]],
    differentiated: 0,
    build: ([dy, x], [w, b]) =>
      apply(ops.layerNormInputGradientRule, [dy as Value, x as Value, w as Value, b as Value], { epsilon: 1e-5 }),
  },
  ...[6, 96].flatMap((keys) => ([0, 1, 2] as const).map((wrt) => attentionGradient(keys, wrt))),
  {
    rule: ops.siluGradientRule,
    inputs: [[7], [7]],
    differentiated: 0,
    build: (xs) => apply(ops.siluGradientRule, xs, { alpha: 1 }),
  },
  { rule: ops.reluGradientRule, inputs: [[7], [7]], differentiated: 0, build: (xs) => apply(ops.reluGradientRule, xs) },
  { rule: ops.geluGradientRule, inputs: [[7], [7]], differentiated: 0, build: (xs) => apply(ops.geluGradientRule, xs) },
  {
    rule: ops.resizeNearestGradientRule,
    inputs: [[1, 2, 4, 6]],
    differentiated: 0,
    build: (xs) => apply(ops.resizeNearestGradientRule, xs),
  },
  {
    rule: ops.weightedDifferenceRule,
    inputs: [image, image, [2, 1, 6, 6]],
    differentiated: 0,
    build: (xs) => apply(ops.weightedDifferenceRule, xs),
  },
];

import type { OpValue, Value } from "../graph/value.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";
import {
  Add,
  Concat,
  FusedMatMul,
  MatMul,
  Mul,
  Neg,
  ReduceSum,
  Reshape,
  Slice,
  Softmax,
  Sub,
  Transpose,
} from "./primitives.ts";
import { apply, expect, number, once, operand, type Rule } from "./rule.ts";

/** Scaled dot-product attention (Vaswani et al. 2017): q [B, T, C], k and v [B, S, C], C split over `heads`;
 * `causal` hides later positions. */
export const attentionRule: Rule = {
  name: "attention",
  arity: 3,
  shape: ([q, k, v], attributes) => {
    const heads = number({ attributes }, "heads");
    expect(q.length === 3 && k.length === 3 && v.length === 3, `q, k, v must be [B, T, C], got [${q}] [${k}] [${v}]`);
    expect(k.join() === v.join() && q[0] === k[0] && q[2] === k[2], `q [${q}], k [${k}] and v [${v}] do not fit`);
    expect((q[2] as number) % heads === 0, `width ${q[2]} does not divide into ${heads} heads`);
    expect(!attributes["causal"] || q[1] === k[1], `causal attention needs as many queries as keys`);
    return q;
  },
  gradients: (index) => (dy, node) =>
    apply(attentionGradientRule, [operand(node, 0), operand(node, 1), operand(node, 2), node, dy], {
      ...node.attributes,
      wrt: index,
    }),
  lowerings: {
    plain: (e, [q, k, v], node) => {
      const heads = number(node, "heads");
      return joinHeads(e, MatMul(e, probabilities(e, q, k, node), splitHeads(e, v, heads)));
    },
    cpu: (e, [q, k, v], node) => {
      const heads = number(node, "heads");
      if (node.attributes["causal"] || scoresOf(node) <= fewScores) {
        return joinHeads(e, MatMul(e, fusedProbabilities(e, q, k, node), splitHeads(e, v, heads)));
      }
      return e.emit("MultiHeadAttention", [q, k, v], node.shape, {
        domain: "com.microsoft",
        attributes: { num_heads: heads, scale: { float: scaleOf(node) } },
      });
    },
  },
};

/** What attention of q [B, T, C] to keys k [B, S, C] weighs values with: softmax(q kᵀ / √d), [B, heads, T, S]. For looking at;
 * a loss does not depend on it. */
export const attentionProbabilitiesRule: Rule = {
  name: "attentionProbabilities",
  arity: 2,
  shape: ([q, k], attributes) => {
    const heads = number({ attributes }, "heads");
    expect(q.length === 3 && k.length === 3, `q and k must be [B, T, C], got [${q}] [${k}]`);
    expect(q[0] === k[0] && q[2] === k[2], `q [${q}] and k [${k}] do not fit`);
    expect((q[2] as number) % heads === 0, `width ${q[2]} does not divide into ${heads} heads`);
    return [q[0] as number, heads, q[1] as number, k[1] as number];
  },
  gradients: [once, once],
  lowerings: { plain: (e, [q, k], node) => probabilities(e, q, k, node) },
};

export const attentionProbabilities = (q: Value, k: Value, heads: number): Value =>
  apply(attentionProbabilitiesRule, [q, k], { heads });

/** Gradient of attention in q, k or v (`wrt` 0, 1, 2) from q, k, v, y and dy. With P the probabilities,
 * dV = Pᵀ dY, dS = P ∘ (dY Vᵀ − rowsum(dY ∘ Y)), dQ = dS K / √d, dK = dSᵀ Q / √d (Dao et al. 2022, app. B). */
export const attentionGradientRule: Rule = {
  name: "attentionGradient",
  arity: 5,
  shape: (shapes, attributes) => shapes[number({ attributes }, "wrt")] ?? shapes[0],
  gradients: [once, once, once, once, once],
  lowerings: {
    plain: (e, [q, k, v, y, dy], node) => {
      const heads = number(node, "heads");
      const p = probabilities(e, q, k, node);
      const dyHeads = splitHeads(e, dy, heads);
      const wrt = number(node, "wrt");
      if (wrt === 2) return joinHeads(e, MatMul(e, Transpose(e, p, [0, 1, 3, 2]), dyHeads));
      const dScores = e.once(`score gradient ${node.inputs.length} ${q.name} ${k.name} ${dy.name}`, () => {
        const dp = MatMul(e, dyHeads, Transpose(e, splitHeads(e, v, heads), [0, 1, 3, 2]));
        const rowSum = ReduceSum(e, Mul(e, dyHeads, splitHeads(e, y, heads)), [3]);
        const ds = Mul(e, p, Add(e, dp, Neg(e, rowSum)));
        return Mul(e, ds, e.f32(scaleOf(node)));
      });
      if (wrt === 0) return joinHeads(e, MatMul(e, dScores, splitHeads(e, k, heads)));
      return joinHeads(e, MatMul(e, Transpose(e, dScores, [0, 1, 3, 2]), splitHeads(e, q, heads)));
    },
    cpu: fusedGradient,
  },
};

export const attention = (q: Value, k: Value, v: Value, heads: number, causal = false): Value =>
  apply(attentionRule, [q, k, v], { heads, causal });

/** Elements of all score matrices of an attention, or of its gradient. */
const scoresOf = (node: OpValue): number => {
  const [q, k] = [operand(node, 0).shape, operand(node, 1).shape];
  return (q[0] as number) * number(node, "heads") * (q[1] as number) * (k[1] as number);
};

/** Up to so many, probabilities are computed once for forward and backward: kept, they are small, and the fused attention op costs
 * as much as the products it is made of. */
const fewScores = 100_000;

const scaleOf = (node: OpValue): number => 1 / Math.sqrt((operand(node, 0).shape[2] as number) / number(node, "heads"));

/** [B, T, C] → [B, heads, T, C/heads]. */
const splitHeads = (e: Emitter, x: OnnxValue, heads: number): OnnxValue =>
  e.once(`heads ${heads} ${x.name}`, () => {
    const [batch, length, width] = x.shape as [number, number, number];
    return Transpose(e, Reshape(e, x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
  });

/** [B, heads, T, d] → [B, T, heads · d]. */
function joinHeads(e: Emitter, x: OnnxValue): OnnxValue {
  const [batch, heads, length, depth] = x.shape as [number, number, number, number];
  return Reshape(e, Transpose(e, x, [0, 2, 1, 3]), [batch, length, heads * depth]);
}

const causalMask = (e: Emitter, length: number): OnnxValue =>
  e.once(`causal mask ${length}`, () => {
    const mask = Float32Array.from({ length: length * length }, (_, i) =>
      i % length > Math.floor(i / length) ? -1e9 : 0,
    );
    return e.f32(mask, [1, 1, length, length]);
  });

/** softmax(q kᵀ / √d) as [B, heads, T, S]; kept for the backward pass by sharing. */
function probabilities(e: Emitter, q: OnnxValue, k: OnnxValue, node: OpValue): OnnxValue {
  return e.once(`probabilities ${q.name} ${k.name}`, () => {
    const heads = number(node, "heads");
    const keys = Transpose(e, splitHeads(e, k, heads), [0, 1, 3, 2]);
    const scores = Mul(e, MatMul(e, splitHeads(e, q, heads), keys), e.f32(scaleOf(node)));
    return Softmax(e, node.attributes["causal"] ? Add(e, scores, causalMask(e, q.shape[1] as number)) : scores);
  });
}

/** The same in one fused product. */
const fusedProbabilities = (e: Emitter, q: OnnxValue, k: OnnxValue, node: OpValue): OnnxValue =>
  e.once(`fused probabilities ${q.name} ${k.name}`, () => {
    const heads = number(node, "heads");
    return softmaxOf(e, splitHeads(e, q, heads), splitHeads(e, k, heads), node);
  });

/** Of q [B, heads, T, d] and k [B, heads, S, d]. */
function softmaxOf(e: Emitter, q: OnnxValue, k: OnnxValue, node: OpValue): OnnxValue {
  const scores = FusedMatMul(e, q, k, { transB: true, alpha: scaleOf(node) });
  return Softmax(e, node.attributes["causal"] ? Add(e, scores, causalMask(e, q.shape[2] as number)) : scores);
}

/** One head range [start, end) of a [B, heads, T, d] tensor. */
const headRange = (e: Emitter, x: OnnxValue, start: number, end: number): OnnxValue => Slice(e, x, 1, start, end);

/** The backward pass in fused products: transposes ride in the products, and big score matrices go one head at a time to
 * bound memory. The row sum is that of P ∘ dP where keys are few; else it rides in the product as one more column
 * ([dY | −D] [V | 1]ᵀ = dY Vᵀ − D), which spares two passes over the scores. */
function fusedGradient(e: Emitter, [q, k, v, y, dy]: readonly OnnxValue[], node: OpValue): OnnxValue {
  if (!q || !k || !v || !y || !dy) throw new Error("attentionGradient: missing operand");
  const heads = number(node, "heads");
  const wrt = number(node, "wrt");
  const batch = q.shape[0] as number;
  const span = k.shape[1] as number;
  const [qh, kh, vh, dyh] = [q, k, v, dy].map((x) => splitHeads(e, x, heads)) as [
    OnnxValue,
    OnnxValue,
    OnnxValue,
    OnnxValue,
  ];
  const chunks = scoresOf(node) > maxScoreElements ? heads : 1;
  const key = `${q.name} ${k.name} ${dy.name}`;
  const parts = Array.from({ length: chunks }, (_, i) => {
    const range = (x: OnnxValue): OnnxValue => headRange(e, x, (i * heads) / chunks, ((i + 1) * heads) / chunks);
    const shared = <T>(name: string, make: () => T): T => e.once(`${name} ${i}/${chunks} ${key}`, make);
    const p =
      scoresOf(node) <= fewScores
        ? fusedProbabilities(e, q, k, node)
        : shared("backward probabilities", () => softmaxOf(e, range(qh), range(kh), node));
    if (wrt === 2) return FusedMatMul(e, p, range(dyh), { transA: true });
    const dScores = shared("score gradient", () => {
      if (span <= fewKeys) {
        const dp = FusedMatMul(e, range(dyh), range(vh), { transB: true });
        return Mul(e, p, Sub(e, dp, ReduceSum(e, Mul(e, p, dp), [3])));
      }
      const [left, right] = e.once(`augmented ${key}`, () => {
        const rowSum = Neg(e, ReduceSum(e, Mul(e, dyh, splitHeads(e, y, heads)), [3]));
        return [Concat(e, [dyh, rowSum], 3), Concat(e, [vh, e.f32(1, [batch, heads, span, 1])], 3)] as const;
      });
      return Mul(e, p, FusedMatMul(e, range(left), range(right), { transB: true }));
    });
    if (wrt === 0) return FusedMatMul(e, dScores, range(kh), { alpha: scaleOf(node) });
    return FusedMatMul(e, dScores, range(qh), { transA: true, alpha: scaleOf(node) });
  });
  return joinHeads(e, Concat(e, parts, 1));
}

/** Up to here a pass over the scores costs less than two more nodes over queries and keys. */
const fewKeys = 80;

/** Above this many scores (64 MB in f32) the backward pass goes head by head. */
const maxScoreElements = 16_000_000;

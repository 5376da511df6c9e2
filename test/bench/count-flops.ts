import { type Graph, walk } from "../../functions/graph/graph.ts";
import type { OpValue, Value } from "../../functions/graph/value.ts";
import { sizeOf } from "../../functions/tensor/tensor.ts";

/** Floating-point operations that a graph cannot do without, a multiply-add counted as two: convolutions, linear layers,
 * attention, and their gradients in the activations. Elementwise work is left out, and so is whatever an implementation
 * computes a second time to save memory: both sides of a comparison are measured by the same work. */
export function countFlops(graph: Graph): number {
  const scoreGradients = new Set<string>();
  const ids = new Map<Value, number>();
  const idOf = (value: Value): number => {
    if (!ids.has(value)) ids.set(value, ids.size);
    return ids.get(value) as number;
  };
  let sum = 0;
  for (const value of walk(Object.values(graph.outputs))) {
    if (value.kind !== "op") continue;
    sum += flopsOf(value);
    // Gradients in queries and keys both need the gradient of the scores, which is one product for the two.
    if (value.op === "attentionGradient" && value.attributes["wrt"] !== 2) {
      const key = value.inputs.map(idOf).join();
      if (!scoreGradients.has(key)) sum += attentionProduct(value);
      scoreGradients.add(key);
    }
  }
  return sum;
}

function flopsOf(node: OpValue): number {
  const [first, second] = node.inputs.map((value) => value.shape);
  switch (node.op) {
    case "conv":
      return 2 * sizeOf(node.shape) * sizeOf(second?.slice(1) ?? []);
    case "convInputGradient":
      return 2 * sizeOf(first ?? []) * sizeOf(second?.slice(1) ?? []);
    case "linear":
    case "linearInputGradient":
      return 2 * sizeOf(node.shape) * (first?.at(-1) ?? 0);
    case "attention":
      return 2 * attentionProduct(node);
    case "attentionGradient":
      return attentionProduct(node);
    default:
      return 0;
  }
}

/** One matrix product between queries [B, T, C] and keys [B, S, C], over all heads. */
function attentionProduct(node: OpValue): number {
  const [queries, keys] = node.inputs.map((value) => value.shape);
  return 2 * sizeOf(queries ?? []) * (keys?.[1] ?? 0);
}

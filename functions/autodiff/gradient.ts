import { activeValues, walk } from "../graph/graph.ts";
import { constant, type OpValue, type Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import type { Rule } from "../ops/rule.ts";
import { ruleOf } from "../ops/rule-table.ts";
import { sumTo } from "../ops/sum-to.ts";

const sameShape = (a: Value, b: Value): boolean => a.shape.join() === b.shape.join();

/** Reverse-mode differentiation, graph to graph: d(sum of loss)/d(source) for each source, as values of the same graph
 * language. Only nodes between a source and the loss are visited. @throws Error when the loss does not depend on a
 * source or an op on the way has no gradient. */
export function gradient(loss: Value, sources: readonly Value[]): readonly Value[] {
  const order = walk([loss]);
  const active = activeValues(order, sources);
  const parts = new Map<Value, Part[]>();
  const adjoints = new Map<Value, Value>([[loss, constant(1, loss.shape)]]);
  for (const node of order.toReversed()) {
    const arrived = parts.get(node);
    const dy = arrived ? total(arrived) : adjoints.get(node);
    if (!dy) continue;
    adjoints.set(node, dy);
    if (node.kind !== "op") continue;
    for (const [index, operand] of node.inputs.entries()) {
      if (!active.has(operand)) continue;
      const value = backward(node, index, dy);
      const part = { value, own: value !== dy };
      const others = parts.get(operand);
      if (others) others.push(part);
      else parts.set(operand, [part]);
    }
  }
  return sources.map((source) => {
    const result = adjoints.get(source);
    if (!result)
      throw new Error(`gradient: the loss does not depend on ${"name" in source ? source.name : source.kind}`);
    return result;
  });
}

/** What one user of a value adds to its adjoint. */
interface Part {
  readonly value: Value;
  /** Made for this sum alone: what was only passed on has other users. */
  readonly own: boolean;
}

/** The sum of what arrived at a value; results of an op that can sum them in one node become one. */
function total(parts: readonly Part[]): Value {
  const terms: Value[] = [];
  const summed = new Map<NonNullable<Rule["sum"]>, OpValue[]>();
  for (const { value, own } of parts) {
    const sum = own && value.kind === "op" ? ruleOf(value).sum : undefined;
    if (sum) summed.set(sum, [...(summed.get(sum) ?? []), value as OpValue]);
    else terms.push(value);
  }
  for (const [sum, nodes] of summed) terms.push(...(nodes.length > 1 ? [sum(nodes)] : nodes));
  return terms.reduce((a, b) => add(a, b));
}

/** One vector-Jacobian product, with broadcasting undone here for every op. */
function backward(node: OpValue, index: number, dy: Value): Value {
  const { gradients } = ruleOf(node);
  const rule = typeof gradients === "function" ? gradients(index) : gradients[index];
  if (!rule)
    throw new Error(`op "${node.op}" (node "${node.label}") has no gradient for input ${index}: see functions/ops`);
  const result = rule(dy, node);
  const operand = node.inputs[index] as Value;
  return sameShape(result, operand) ? result : sumTo(result, operand.shape);
}

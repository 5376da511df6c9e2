import { activeValues, walk } from "../graph/graph.ts";
import { constant, type OpValue, type Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { ruleOf } from "../ops/rule-table.ts";
import { sumTo } from "../ops/sum-to.ts";

const sameShape = (a: Value, b: Value): boolean => a.shape.join() === b.shape.join();

/** Reverse-mode differentiation, graph to graph: d(sum of loss)/d(source) for each source, as values of the same graph
 * language. Only nodes between a source and the loss are visited. @throws Error when the loss does not depend on a
 * source or an op on the way has no gradient. */
export function gradient(loss: Value, sources: readonly Value[]): readonly Value[] {
  const order = walk([loss]);
  const active = activeValues(order, sources);
  const adjoints = new Map<Value, Value>([[loss, constant(1, loss.shape)]]);
  for (const node of order.toReversed()) {
    const dy = adjoints.get(node);
    if (!dy || node.kind !== "op") continue;
    for (const [index, operand] of node.inputs.entries()) {
      if (!active.has(operand)) continue;
      const part = backward(node, index, dy);
      const sum = adjoints.get(operand);
      adjoints.set(operand, sum ? add(sum, part) : part);
    }
  }
  return sources.map((source) => {
    const result = adjoints.get(source);
    if (!result)
      throw new Error(`gradient: the loss does not depend on ${"name" in source ? source.name : source.kind}`);
    return result;
  });
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

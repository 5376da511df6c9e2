import type { InputValue, OpValue, Value } from "./value.ts";

/** A graph is its named outputs; everything else hangs from them. What no output needs does not exist. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Value>>;
}

/** Every value that the roots need, inputs before users, each once. Iterative: UNets are thousands of nodes deep. */
export function walk(roots: readonly Value[]): readonly Value[] {
  const order: Value[] = [];
  const state = new Map<Value, "open" | "done">();
  const stack = [...roots].reverse();
  for (let value = stack.at(-1); value !== undefined; value = stack.at(-1)) {
    if (state.has(value)) {
      if (state.get(value) === "open") {
        state.set(value, "done");
        order.push(value);
      }
      stack.pop();
      continue;
    }
    state.set(value, "open");
    if (value.kind === "op") {
      for (let i = value.inputs.length - 1; i >= 0; i--) {
        const operand = value.inputs[i] as Value;
        if (!state.has(operand)) stack.push(operand);
      }
    }
  }
  return order;
}

/** The inputs that the graph reads, in the order of first use. @throws Error when two inputs share a name. */
export function inputsOf(graph: Graph): readonly InputValue[] {
  const inputs = walk(Object.values(graph.outputs)).filter((value) => value.kind === "input");
  const names = new Set<string>();
  for (const { name } of inputs) {
    if (names.has(name)) throw new Error(`graph: two different inputs are called "${name}"`);
    names.add(name);
  }
  return inputs;
}

/** The values that depend on any of the sources: all that differentiation has to visit. */
export function activeValues(order: readonly Value[], sources: readonly Value[]): ReadonlySet<Value> {
  const active = new Set<Value>(sources);
  for (const value of order) {
    if (value.kind === "op" && value.inputs.some((operand) => active.has(operand))) active.add(value);
  }
  return active;
}

/** One line per op value: `%3 = conv(%1, unet/conv_in.weight) [1,320,32,32]`. */
export function print(graph: Graph): string {
  const ids = new Map<OpValue, string>();
  const nameOf = (value: Value): string => {
    if (value.kind === "op") return ids.get(value) ?? "?";
    return value.kind === "constant" ? `const[${value.shape}]` : value.name;
  };
  const lines: string[] = [];
  for (const value of walk(Object.values(graph.outputs))) {
    if (value.kind !== "op") continue;
    ids.set(value, `%${ids.size}`);
    lines.push(`${nameOf(value)} = ${value.op}(${value.inputs.map(nameOf).join(", ")}) [${value.shape}]`);
  }
  for (const [name, value] of Object.entries(graph.outputs)) lines.push(`output ${name} = ${nameOf(value)}`);
  return lines.join("\n");
}

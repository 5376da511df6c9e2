import type { Attributes, OpValue, Value } from "../graph/value.ts";
import type { Shape } from "../tensor/tensor.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";

/** Vector-Jacobian product for one input: the gradient of the loss with respect to that input, given the gradient dy
 * with respect to the node's output. Written in semantic ops. */
export type Gradient = (dy: Value, node: OpValue) => Value;

/** The operands of one node after its arity check: as many as the rule asks for are there. */
export type Operands<T> = readonly [T, T, T, T, T, ...T[]];

/** Turns one semantic node into ONNX nodes. */
export type Lowering = (e: Emitter, inputs: Operands<OnnxValue>, node: OpValue) => OnnxValue;

/** One semantic op: everything the engine knows about it, in one place. */
export interface Rule {
  readonly name: string;
  /** Number of inputs, or the least number when `variadic`. */
  readonly arity: number | { readonly atLeast: number; readonly atMost?: number };
  /** @throws Error saying what was expected and what came; `apply` adds op, node and file. */
  readonly shape: (inputs: Operands<Shape>, attributes: Attributes) => Shape;
  /** One gradient per input, in input order; `frozen` where weights go. A function when the op is variadic. */
  readonly gradients: readonly Gradient[] | ((index: number) => Gradient);
  /** One node for the sum of several results of this op, where that is cheaper than adding them. */
  readonly sum?: (nodes: readonly OpValue[]) => Value;
  /** `plain` uses standard `ai.onnx` alone and is what the others are tested against. */
  readonly lowerings: { readonly plain: Lowering; readonly cpu?: Lowering; readonly cuda?: Lowering };
}

/** Models are frozen: asking for the gradient of a weight is a bug. */
export const frozen: Gradient = (_dy, node) => {
  throw new Error(`${node.op} "${node.label}": weights are frozen and have no gradient`);
};

/** For ops of networks that judge pictures and are never learned through. */
export const forwardOnly: Gradient = (_dy, node) => {
  throw new Error(`${node.op} "${node.label}": only judges use this op, it has no gradient; add one in functions/ops`);
};

/** For ops that only ever appear in backward graphs. */
export const once: Gradient = (_dy, node) => {
  throw new Error(`${node.op} "${node.label}": second derivatives are not defined; add a rule in functions/ops`);
};

/** Builds a node after checking arity and shape. @throws Error that names op, node and the file to edit. */
export function apply(rule: Rule, inputs: readonly Value[], attributes: Attributes = {}): OpValue {
  const label = labelOf(rule, inputs);
  const fail = (problem: string): never => {
    throw new Error(`${rule.name} "${label}": ${problem} (rule in functions/ops/, op "${rule.name}")`);
  };
  const { arity } = rule;
  const least = typeof arity === "number" ? arity : arity.atLeast;
  const most = typeof arity === "number" ? arity : (arity.atMost ?? Number.POSITIVE_INFINITY);
  if (inputs.length < least || inputs.length > most) {
    fail(`expected ${least === most ? least : `${least} to ${most}`} inputs, got ${inputs.length}`);
  }
  let shape: Shape = [];
  try {
    shape = rule.shape(inputs.map((value) => value.shape) as unknown as Operands<Shape>, attributes);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  if (shape.some((dim) => !Number.isInteger(dim) || dim < 0)) fail(`the result would have shape [${shape}]`);
  return { kind: "op", op: rule.name, inputs, attributes, shape, dtype: "f32", label };
}

function labelOf(rule: Rule, inputs: readonly Value[]): string {
  const parameter = inputs.find((value) => value.kind === "weight");
  return parameter?.kind === "weight" ? parameter.name.replace(/\.(weight|bias)$/, "") : rule.name;
}

/** Throws unless the condition holds; for shape rules. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** A numeric attribute. */
export function number(node: { readonly attributes: Attributes }, key: string): number {
  const value = node.attributes[key];
  if (typeof value !== "number") throw new Error(`attribute "${key}" must be a number, got ${String(value)}`);
  return value;
}

/** A list attribute. */
export function list(node: { readonly attributes: Attributes }, key: string): Shape {
  const value = node.attributes[key];
  if (!Array.isArray(value)) throw new Error(`attribute "${key}" must be a list, got ${String(value)}`);
  return value as Shape;
}

/** The i-th input of a node that passed its arity check. */
export function operand(node: OpValue, index: number): Value {
  const value = node.inputs[index];
  if (value === undefined) throw new Error(`${node.op} "${node.label}": no input ${index}`);
  return value;
}

import { dirname, relative, sep } from "node:path";
import { type Graph, inputsOf, walk } from "../graph/graph.ts";
import type { OpValue, Value, WeightValue } from "../graph/value.ts";
import type { Emitter, OnnxValue } from "../ops/emitter.ts";
import type { Lowering, Operands, Rule } from "../ops/rule.ts";
import { ruleOf } from "../ops/rule-table.ts";
import { type Shape, sizeOf } from "../tensor/tensor.ts";
import type { OnnxModel, Preset, Provider } from "./engine.ts";
import { type ElementType, encodeModel, type InitialiserProto, type NodeProto } from "./model-proto.ts";

export interface LowerOptions {
  readonly preset: Preset;
  /** Which lowerings to prefer; `plain` where a rule has no other. */
  readonly target: Provider | "plain";
}

/** Semantic graph → one ONNX model whose weights stay in their files. Shapes are static throughout. */
export function lower(graph: Graph, options: LowerOptions): OnnxModel {
  const order = walk(Object.values(graph.outputs));
  const files = [...new Set(order.flatMap((value) => (value.kind === "weight" ? [value.location.file] : [])))];
  const weightsFolder = commonFolder(files);
  const writer = createWriter(options.preset, weightsFolder ?? sep);
  const lowered = new Map<Value, OnnxValue>();
  for (const value of order) lowered.set(value, lowerValue(value, writer, lowered, options));
  const outputs = Object.entries(graph.outputs).map(([name, value]) => {
    const result = lowered.get(value) as OnnxValue;
    writer.nodes.push({ op: "Identity", domain: "", name, inputs: [result.name], outputs: [name], attributes: {} });
    return { name, shape: value.shape };
  });
  const bytes = encodeModel({
    nodes: writer.nodes,
    initialisers: writer.initialisers,
    inputs: inputsOf(graph),
    outputs,
  });
  return weightsFolder === undefined ? { bytes } : { bytes, weightsFolder };
}

function lowerValue(
  value: Value,
  writer: Writer,
  lowered: ReadonlyMap<Value, OnnxValue>,
  options: LowerOptions,
): OnnxValue {
  if (value.kind === "input") return { name: value.name, shape: value.shape };
  if (value.kind === "constant") return writer.emitter.f32(value.data, value.shape);
  if (value.kind === "weight") return writer.weight(value);
  const operands = value.inputs.map((operand) => lowered.get(operand) as OnnxValue);
  writer.scope(value.label);
  const result = pick(ruleOf(value), options.target)(writer.emitter, operands as unknown as Operands<OnnxValue>, value);
  checkShape(value, result);
  return result;
}

const pick = (rule: Rule, target: LowerOptions["target"]): Lowering =>
  (target === "plain" ? undefined : rule.lowerings[target]) ?? rule.lowerings.plain;

function checkShape(node: OpValue, result: OnnxValue): void {
  if (result.shape.join() !== node.shape.join()) {
    throw new Error(
      `${node.op} "${node.label}": its lowering gives [${result.shape}], its shape rule [${node.shape}] (functions/ops)`,
    );
  }
}

interface Writer {
  readonly nodes: NodeProto[];
  readonly initialisers: InitialiserProto[];
  readonly emitter: Emitter;
  weight(value: WeightValue): OnnxValue;
  /** Names the nodes that follow, for profiles and native error messages. */
  scope(label: string): void;
}

function createWriter(preset: Preset, weightsFolder: string): Writer {
  const nodes: NodeProto[] = [];
  const initialisers: InitialiserProto[] = [];
  const memo = new Map<string, unknown>();
  let count = 0;
  let scope = "";
  const once = <T>(key: string, make: () => T): T => {
    if (!memo.has(key)) memo.set(key, make());
    return memo.get(key) as T;
  };
  const literal = (type: ElementType, shape: Shape, data: Uint8Array): OnnxValue =>
    once(`${type} [${shape}] ${Buffer.from(data).toString("latin1")}`, () => {
      const name = `constant_${count++}`;
      initialisers.push({ name, type, shape, data });
      return { name, shape };
    });
  const emitMany: Emitter["emitMany"] = (op, inputs, shapes, settings = {}) => {
    const name = `${scope}/${op}_${count++}`;
    const outputs = shapes.map((shape, i) => ({ name: i === 0 ? name : `${name}.${i}`, shape }));
    nodes.push({
      op,
      domain: settings.domain ?? "",
      name,
      inputs: trimmed(inputs).map((value) => value?.name ?? ""),
      outputs: outputs.map((output) => output.name),
      attributes: settings.attributes ?? {},
    });
    return outputs;
  };
  const emitter: Emitter = {
    preset,
    emitMany,
    emit: (op, inputs, shape, settings) => emitMany(op, inputs, [shape], settings)[0] as OnnxValue,
    f32: (data, shape = []) => {
      const values = typeof data === "number" ? new Float32Array(sizeOf(shape)).fill(data) : data;
      return literal("f32", shape, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    },
    i64: (data) => literal("i64", [data.length], new Uint8Array(BigInt64Array.from(data, BigInt).buffer)),
    once,
  };
  const places = new Map<string, WeightValue>();
  const weight = (value: WeightValue): OnnxValue => {
    const { file, offset, length, storage } = value.location;
    const result = { name: value.name, shape: value.shape };
    const place = places.get(value.name);
    // A graph that asks for a weight twice gets one initialiser.
    const same =
      place?.location.file === file && place.location.offset === offset && place.shape.join() === value.shape.join();
    if (same) return result;
    if (place) throw new Error(`lower: two different weights are called "${value.name}"`);
    places.set(value.name, value);
    const stored = storage === "F32" ? value.name : `${value.name} as ${storage}`;
    const type = storage.toLowerCase() as ElementType;
    const location = relative(weightsFolder, file).split(sep).join("/");
    initialisers.push({ name: stored, type, shape: value.shape, data: { location, offset, length } });
    if (storage !== "F32") {
      nodes.push({
        op: "Cast",
        domain: "",
        name: `cast ${value.name}`,
        inputs: [stored],
        outputs: [value.name],
        attributes: { to: 1 },
      });
    }
    return result;
  };
  return {
    nodes,
    initialisers,
    emitter,
    weight,
    scope: (label) => {
      scope = label;
    },
  };
}

/** Optional inputs left out at the end of a list do not appear at all. */
function trimmed<T>(inputs: readonly (T | null)[]): readonly (T | null)[] {
  let end = inputs.length;
  while (end > 0 && inputs[end - 1] === null) end--;
  return inputs.slice(0, end);
}

/** The deepest folder that holds every file; the runtime refuses weights outside one folder. */
function commonFolder(files: readonly string[]): string | undefined {
  const [first, ...others] = files.map((file) => dirname(file).split(sep));
  if (!first) return undefined;
  let depth = first.length;
  for (const parts of others) {
    while (parts.slice(0, depth).join(sep) !== first.slice(0, depth).join(sep)) depth--;
  }
  return first.slice(0, depth).join(sep) || sep;
}

import type { OnnxAttribute } from "../ops/emitter.ts";
import type { Shape } from "../tensor/tensor.ts";
import { bytes, float, int, join, type Message, string } from "./protobuf.ts";

/** The one operator set that lowerings are written in (ONNX 1.15: Gelu, LayerNormalization, 2-d ConvTranspose). */
export const opset = 20;

const elementTypes = { f32: 1, i64: 7, f16: 10, bf16: 16 } as const;
export type ElementType = keyof typeof elementTypes;

export interface NodeProto {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface InitialiserProto {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
  /** Bytes in the model, or a byte range of a file relative to the weights folder. */
  readonly data: Uint8Array | { readonly location: string; readonly offset: number; readonly length: number };
}

export interface EdgeProto {
  readonly name: string;
  readonly shape: Shape;
}

export interface GraphProto {
  readonly nodes: readonly NodeProto[];
  readonly initialisers: readonly InitialiserProto[];
  readonly inputs: readonly EdgeProto[];
  readonly outputs: readonly EdgeProto[];
}

/** Serialises a model (field numbers of onnx.proto3; IR version 9). */
export function encodeModel(graph: GraphProto): Uint8Array {
  const body: Message = [
    ...graph.nodes.flatMap((node) => bytes(1, encodeNode(node))),
    ...string(2, "eponym"),
    ...graph.initialisers.flatMap((tensor) => bytes(5, encodeInitialiser(tensor))),
    ...graph.inputs.flatMap((edge) => bytes(11, encodeEdge(edge))),
    ...graph.outputs.flatMap((edge) => bytes(12, encodeEdge(edge))),
  ];
  const operatorSet = (domain: string, version: number): Message =>
    bytes(8, [...string(1, domain), ...int(2, version)]);
  return join([
    ...int(1, 9),
    ...string(2, "eponym"),
    ...bytes(7, body),
    ...operatorSet("", opset),
    ...operatorSet("com.microsoft", 1),
  ]);
}

const encodeNode = (node: NodeProto): Message => [
  ...node.inputs.flatMap((name) => string(1, name)),
  ...node.outputs.flatMap((name) => string(2, name)),
  ...string(3, node.name),
  ...string(4, node.op),
  ...Object.entries(node.attributes).flatMap(([name, value]) => bytes(5, encodeAttribute(name, value))),
  ...(node.domain ? string(7, node.domain) : []),
];

function encodeAttribute(name: string, value: OnnxAttribute): Message {
  const head = string(1, name);
  if (typeof value === "number") return [...head, ...int(3, value), ...int(20, 2)];
  if (typeof value === "string") return [...head, ...string(4, value), ...int(20, 3)];
  if ("float" in value) return [...head, ...float(2, value.float), ...int(20, 1)];
  return [...head, ...value.flatMap((item) => int(8, item)), ...int(20, 7)];
}

function encodeInitialiser(tensor: InitialiserProto): Message {
  const head = [
    ...tensor.shape.flatMap((dim) => int(1, dim)),
    ...int(2, elementTypes[tensor.type]),
    ...string(8, tensor.name),
  ];
  if (tensor.data instanceof Uint8Array) return [...head, ...bytes(9, tensor.data)];
  const entry = (key: string, value: string): Message => bytes(13, [...string(1, key), ...string(2, value)]);
  const { location, offset, length } = tensor.data;
  return [
    ...head,
    ...entry("location", location),
    ...entry("offset", String(offset)),
    ...entry("length", String(length)),
    ...int(14, 1),
  ];
}

/** ValueInfoProto: every edge of ours at the border is f32. */
function encodeEdge(edge: EdgeProto): Message {
  const dims = edge.shape.flatMap((dim) => bytes(1, int(1, dim)));
  return [...string(1, edge.name), ...bytes(2, bytes(1, [...int(1, elementTypes.f32), ...bytes(2, dims)]))];
}

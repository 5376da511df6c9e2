import protobuf from "protobufjs";

/** The part of ONNX's schema that models of ours use, as [rule, type, number] (onnx.proto3). */
const fields = {
  ModelProto: {
    irVersion: ["", "int64", 1],
    producerName: ["", "string", 2],
    graph: ["", "GraphProto", 7],
    opsetImport: ["repeated", "OperatorSetIdProto", 8],
  },
  OperatorSetIdProto: { domain: ["", "string", 1], version: ["", "int64", 2] },
  GraphProto: {
    node: ["repeated", "NodeProto", 1],
    name: ["", "string", 2],
    initializer: ["repeated", "TensorProto", 5],
    input: ["repeated", "ValueInfoProto", 11],
    output: ["repeated", "ValueInfoProto", 12],
  },
  NodeProto: {
    input: ["repeated", "string", 1],
    output: ["repeated", "string", 2],
    name: ["", "string", 3],
    opType: ["", "string", 4],
    attribute: ["repeated", "AttributeProto", 5],
    domain: ["", "string", 7],
  },
  AttributeProto: {
    name: ["", "string", 1],
    f: ["", "float", 2],
    i: ["", "int64", 3],
    s: ["", "bytes", 4],
    ints: ["repeated", "int64", 8],
    type: ["", "int32", 20],
  },
  TensorProto: {
    dims: ["repeated", "int64", 1],
    dataType: ["", "int32", 2],
    name: ["", "string", 8],
    rawData: ["", "bytes", 9],
    externalData: ["repeated", "StringStringEntryProto", 13],
    dataLocation: ["", "int32", 14],
  },
  StringStringEntryProto: { key: ["", "string", 1], value: ["", "string", 2] },
  ValueInfoProto: { name: ["", "string", 1], type: ["", "TypeProto", 2] },
  TypeProto: { tensorType: ["", "TensorType", 1] },
  TensorType: { elemType: ["", "int32", 1], shape: ["", "TensorShapeProto", 2] },
  TensorShapeProto: { dim: ["repeated", "Dimension", 1] },
  Dimension: { dimValue: ["", "int64", 1] },
} as const;

const nested = Object.fromEntries(
  Object.entries(fields).map(([message, entries]) => [
    message,
    {
      fields: Object.fromEntries(
        Object.entries(entries).map(([name, [rule, type, id]]) => [
          name,
          { type, id, ...(rule && { rule, options: { packed: false } }) },
        ]),
      ),
    },
  ]),
);
const schema = protobuf.Root.fromJSON({ nested }).lookupType("ModelProto");

export interface DecodedTensor {
  readonly name: string;
  readonly dims: readonly string[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
  readonly externalData: readonly { readonly key: string; readonly value: string }[];
  readonly dataLocation: number;
}

export interface DecodedNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly {
    readonly name: string;
    readonly type: number;
    readonly i: string;
    readonly f: number;
    readonly s: Uint8Array;
    readonly ints: readonly string[];
  }[];
}

interface DecodedEdge {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { dimValue: string }[] };
    };
  };
}

/** An ONNX model as an independent library reads it; 64-bit integers are decimal texts, absent fields zero or empty. */
export interface DecodedModel {
  readonly irVersion: string;
  readonly producerName: string;
  readonly opsetImport: readonly { readonly domain: string; readonly version: string }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly DecodedNode[];
    readonly initializer: readonly DecodedTensor[];
    readonly input: readonly DecodedEdge[];
    readonly output: readonly DecodedEdge[];
  };
}

export const decodeModel = (bytes: Uint8Array): DecodedModel =>
  schema.toObject(schema.decode(bytes), { longs: String, defaults: true }) as unknown as DecodedModel;

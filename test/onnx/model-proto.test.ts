import fc from "fast-check";
import { expect, test } from "vitest";
import {
  encodeModel,
  type GraphProto,
  type InitialiserProto,
  type NodeProto,
  opset,
} from "../../functions/onnx/model-proto.ts";
import type { OnnxAttribute } from "../../functions/ops/emitter.ts";
import { type DecodedModel, decodeModel } from "../support/decode-model.ts";

const empty: GraphProto = { nodes: [], initialisers: [], inputs: [], outputs: [] };
const node = (attributes: NodeProto["attributes"]): NodeProto => ({
  op: "Op",
  domain: "",
  name: "n",
  inputs: ["a", "", "b"],
  outputs: ["c"],
  attributes,
});
const attributesOf = (attributes: NodeProto["attributes"]) =>
  decodeModel(encodeModel({ ...empty, nodes: [node(attributes)] })).graph.node[0]?.attribute;

const types = { f32: 1, i64: 7, f16: 10, bf16: 16 } as const;

test("a model names its IR version and the operator sets of both domains", () => {
  const model = decodeModel(encodeModel(empty));
  expect(model.irVersion).toBe("9");
  expect(model.opsetImport).toEqual([
    { domain: "", version: String(opset) },
    { domain: "com.microsoft", version: "1" },
  ]);
});

test("every kind of attribute arrives with its type: int, float, string, ints", () => {
  const attributes = {
    axis: -1,
    zero: 0,
    epsilon: { float: Math.fround(1e-5) },
    mode: "größer",
    pads: [0, -2, 2 ** 40],
  };
  expect(attributesOf(attributes)?.map(({ name: key, type }) => [key, type])).toEqual([
    ["axis", 2],
    ["zero", 2],
    ["epsilon", 1],
    ["mode", 3],
    ["pads", 7],
  ]);
  const bytes = encodeModel({ ...empty, nodes: [node(attributes)] });
  expect(rebuild(decodeModel(bytes)).nodes[0]?.attributes).toEqual(attributes);
});

test("integers are exact from −2⁵³ to 2⁵³, and a fraction is refused", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (i) => {
      expect(attributesOf({ i })?.[0]?.i).toBe(String(i));
    }),
  );
  expect(() => attributesOf({ i: 1.5 })).toThrow(/1\.5/);
});

test("an optional input that is left out stays an empty name in its place", () => {
  expect(decodeModel(encodeModel({ ...empty, nodes: [node({})] })).graph.node[0]?.input).toEqual(["a", "", "b"]);
});

test("weights outside the model carry location, offset and length, those inside their bytes", () => {
  const initialisers: InitialiserProto[] = [
    { name: "inside", type: "i64", shape: [2], data: new Uint8Array(new BigInt64Array([-1n, 2n ** 62n]).buffer) },
    {
      name: "outside",
      type: "bf16",
      shape: [3, 4],
      data: { location: "unet/w.safetensors", offset: 2 ** 33 + 8, length: 24 },
    },
    { name: "scalar", type: "f32", shape: [], data: new Uint8Array(4) },
  ];
  const [inside, outside, scalar] = decodeModel(encodeModel({ ...empty, initialisers })).graph.initializer;
  expect(new BigInt64Array(Uint8Array.from(inside?.rawData ?? []).buffer)).toEqual(new BigInt64Array([-1n, 2n ** 62n]));
  expect(inside?.externalData).toEqual([]);
  expect(outside).toMatchObject({
    dims: ["3", "4"],
    dataType: 16,
    dataLocation: 1,
    externalData: [
      { key: "location", value: "unet/w.safetensors" },
      { key: "offset", value: "8589934600" },
      { key: "length", value: "24" },
    ],
  });
  expect(outside?.rawData).toHaveLength(0);
  expect(scalar?.dims).toEqual([]);
});

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const shape = fc.array(fc.nat(2 ** 31), { maxLength: 4 });
const attribute: fc.Arbitrary<OnnxAttribute> = fc.oneof(
  fc.maxSafeInteger(),
  name,
  fc.array(fc.maxSafeInteger(), { maxLength: 5 }),
  fc.record({ float: fc.float({ noNaN: true }) }),
);
const graphs: fc.Arbitrary<GraphProto> = fc.record({
  nodes: fc.array(
    fc.record({
      op: name,
      domain: fc.constantFrom("", "com.microsoft"),
      name,
      inputs: fc.array(fc.oneof(name, fc.constant("")), { maxLength: 4 }),
      outputs: fc.array(name, { maxLength: 3 }),
      attributes: fc.dictionary(fc.stringMatching(/^[a-z]\w{0,8}$/), attribute, { maxKeys: 4, noNullPrototype: true }),
    }),
    { maxLength: 6 },
  ),
  initialisers: fc.array(
    fc.record({
      name,
      type: fc.constantFrom("f32", "i64", "f16", "bf16"),
      shape,
      data: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.record({ location: name, offset: fc.maxSafeNat(), length: fc.maxSafeNat() }),
      ),
    }),
    { maxLength: 4 },
  ),
  inputs: fc.array(fc.record({ name, shape }), { maxLength: 3 }),
  outputs: fc.array(fc.record({ name, shape }), { maxLength: 3 }),
});

/** Back from what the other library read to what was written. */
function rebuild({ graph }: DecodedModel): GraphProto {
  const edge = ({ name: label, type }: DecodedModel["graph"]["input"][number]) => {
    expect(type.tensorType.elemType).toBe(1);
    return { name: label, shape: type.tensorType.shape.dim.map((dim) => Number(dim.dimValue)) };
  };
  return {
    nodes: graph.node.map((n) => ({
      op: n.opType,
      domain: n.domain,
      name: n.name,
      inputs: n.input,
      outputs: n.output,
      attributes: Object.fromEntries(
        n.attribute.map(({ name: key, type, i, f, s, ints }) => {
          const kinds = {
            1: { float: f },
            2: Number(i),
            3: new TextDecoder().decode(s),
            7: ints.map(Number),
          };
          return [key, kinds[type as keyof typeof kinds]];
        }),
      ),
    })),
    initialisers: graph.initializer.map(({ name: label, dims, dataType, rawData, externalData }) => {
      const value = (key: string) => externalData.find((entry) => entry.key === key)?.value as string;
      const outside = { location: value("location"), offset: Number(value("offset")), length: Number(value("length")) };
      const type = (Object.keys(types) as (keyof typeof types)[]).find((key) => types[key] === dataType);
      return {
        name: label,
        type: type as keyof typeof types,
        shape: dims.map(Number),
        data: externalData.length > 0 ? outside : Uint8Array.from(rawData),
      };
    }),
    inputs: graph.input.map(edge),
    outputs: graph.output.map(edge),
  };
}

test("any graph decodes to the same nodes, weights and edges", () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const bytes = encodeModel(graph);
      expect(rebuild(decodeModel(bytes))).toEqual(graph);
    }),
    { numRuns: 60 },
  );
});

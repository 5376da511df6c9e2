import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeConcept, encodeConcept, metadataKey, publicMeta } from "../../functions/concepts/concept-file.ts";
import { parse } from "../../functions/tensor/safetensors.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { encode } from "../../functions/tensor/write-safetensors.ts";
import type { ConceptMeta } from "../../shared/concept.ts";
import { goldenConcept, goldenRows } from "../support/golden-concept.ts";

const { meta } = goldenConcept;
const file = (rows = goldenRows, change: object = {}, key = "clip_l") =>
  encode({ [key]: rows }, { [metadataKey]: JSON.stringify({ ...meta, ...change }) });

test("a concept comes back from its file as it was", () => {
  expect(decodeConcept(encodeConcept(goldenConcept))).toEqual(goldenConcept);
});

test("what the rows began as travels along; a file of before comes back without", () => {
  const initial = tensor(
    goldenRows.data.map((x) => x / 2),
    goldenRows.shape,
  );
  expect(decodeConcept(encodeConcept({ ...goldenConcept, initial }))).toEqual({ ...goldenConcept, initial });
  expect(decodeConcept(encodeConcept(goldenConcept)).initial).toBeUndefined();
});

test("any rows come back bit for bit", () => {
  const value = fc.float({ noNaN: true, noDefaultInfinity: true });
  const shape = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 }));
  const rows = shape.chain(([n, d]) =>
    fc.array(value, { minLength: n * d, maxLength: n * d }).map((data) => tensor(Float32Array.from(data), [n, d])),
  );
  fc.assert(
    fc.property(rows, (given) => {
      const [tokens = 0, width = 0] = given.shape;
      const concept = { meta: { ...meta, tokens, width }, rows: given };
      expect(decodeConcept(encodeConcept(concept))).toEqual(concept);
    }),
    { numRuns: 50 },
  );
});

test("the file shows title, author and licence to tools that read modelspec", () => {
  const { metadata, tensors } = parse(encodeConcept(goldenConcept));
  expect([...tensors.keys()]).toEqual(["clip_l"]);
  expect(metadata.get("modelspec.title")).toBe("golden-cat");
  expect(metadata.get("modelspec.author")).toBe("ann");
  expect(metadata.get("modelspec.license")).toBe("CC0-1.0");
  expect(metadata.get("modelspec.trigger_phrase")).toBe("golden-cat");
  expect(metadata.get("modelspec.date")).toBe("2026-08-01T12:00:00Z");
});

test("what leaves the house has no ids of people or servers and no keys of the store", () => {
  const text = JSON.stringify(publicMeta(meta));
  for (const secret of [meta.owner.id, meta.scopeId, "concepts/golden1"]) expect(text).not.toContain(secret);
});

const withValue = (value: number) => tensor(goldenRows.data.with(17, value), goldenRows.shape);
const encoder = new TextEncoder();

test.each<[string, () => Uint8Array, string]>([
  ["no bytes", () => new Uint8Array(), "bad_safetensors"],
  ["nine million bytes", () => new Uint8Array(9_000_000), "too_large"],
  ["NaN", () => file(withValue(Number.NaN)), "bad_concept"],
  ["infinity", () => file(withValue(Number.NEGATIVE_INFINITY)), "bad_concept"],
  [
    "a beginning of other shape",
    () =>
      encode(
        { clip_l: goldenRows, initial: tensor(new Float32Array(32), [2, 16]) },
        { [metadataKey]: JSON.stringify(meta) },
      ),
    "bad_concept",
  ],
  [
    "NaN in its beginning",
    () => encode({ clip_l: goldenRows, initial: withValue(Number.NaN) }, { [metadataKey]: JSON.stringify(meta) }),
    "bad_concept",
  ],
  ["more rows than its passport says", () => file(tensor(new Float32Array(64), [4, 16])), "bad_concept"],
  ["another width than its passport says", () => file(tensor(new Float32Array(48), [6, 8])), "bad_concept"],
  ["76 rows", () => file(tensor(new Float32Array(76 * 16), [76, 16]), { tokens: 76 }), "bad_concept"],
  ["no rows", () => file(tensor(new Float32Array(), [0, 16]), { tokens: 0 }), "bad_concept"],
  ["rows of three dimensions", () => file(tensor(new Float32Array(48), [1, 3, 16])), "bad_concept"],
  [
    "rows wider than any model",
    () => file(tensor(new Float32Array(9000), [1, 9000]), { tokens: 1, width: 9000 }),
    "bad_concept",
  ],
  ["another tensor name", () => file(goldenRows, {}, "emb_params"), "bad_concept"],
  ["no passport", () => encode({ clip_l: goldenRows }), "bad_concept"],
  ["a passport that is not JSON", () => encode({ clip_l: goldenRows }, { [metadataKey]: "{" }), "bad_concept"],
  [
    "a passport nested a million deep",
    () => encode({ clip_l: goldenRows }, { [metadataKey]: "[".repeat(1_000_000) }),
    "bad_concept",
  ],
  [
    "a header of three million bytes",
    () => encode({ clip_l: goldenRows }, { x: "x".repeat(3_000_000) }),
    "bad_safetensors",
  ],
  ["a name that is a path", () => file(goldenRows, { name: "../../etc/passwd" }), "bad_concept"],
  ["an id that is a path", () => file(goldenRows, { id: "../x" }), "bad_concept"],
  ["a preview outside the store", () => file(goldenRows, { preview: "/etc/passwd" }), "bad_concept"],
  ["a scope that there is not", () => file(goldenRows, { scope: "root" }), "bad_concept"],
  ["half a version", () => file(goldenRows, { version: 1.5 }), "bad_concept"],
  ["a shape larger than the file", () => giantShape(), "bad_safetensors"],
  ["a header cut short", () => encodeConcept(goldenConcept).subarray(0, 100), "bad_safetensors"],
  ["data cut short", () => encodeConcept(goldenConcept).subarray(0, -8), "bad_safetensors"],
])("a file with %s is refused", (_, make, code) => {
  expect(() => decodeConcept(make())).toThrowError(expect.objectContaining({ name: "UserError", code }));
});

function giantShape(): Uint8Array {
  const header = JSON.stringify({ clip_l: { dtype: "F32", shape: [2 ** 30, 2 ** 30], data_offsets: [0, 192] } }).padEnd(
    128,
  );
  const bytes = new Uint8Array(8 + 128 + 192);
  new DataView(bytes.buffer).setBigUint64(0, 128n, true);
  bytes.set(encoder.encode(header), 8);
  return bytes;
}

test("a passport cannot reach into prototypes", () => {
  const text = JSON.stringify(meta).replace("{", '{"__proto__":{"polluted":true},');
  const decoded: ConceptMeta = decodeConcept(encode({ clip_l: goldenRows }, { [metadataKey]: text })).meta;
  expect("polluted" in decoded).toBe(false);
  expect("polluted" in {}).toBe(false);
});

test("any damage is refused or harmless", () => {
  const good = encodeConcept(goldenConcept);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), (changes) => {
      const bad = good.slice();
      for (const [at, byte] of changes) bad[at] = byte;
      try {
        const { rows } = decodeConcept(bad);
        expect(rows.data.every(Number.isFinite)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ name: "UserError" });
      }
    }),
    { numRuns: 300 },
  );
});

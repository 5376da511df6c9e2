import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { numberToBfloat16, numberToHalf } from "../../functions/tensor/number-formats.ts";
import { assertFinite, parse, readHeader, readRows, readTensor } from "../../functions/tensor/safetensors.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { encode, write } from "../../functions/tensor/write-safetensors.ts";
import { UserError } from "../../shared/error.ts";

const golden = (name: string) => new URL(`../golden/safetensors-files/${name}`, import.meta.url).pathname;
const folder = () => mkdtempSync(join(tmpdir(), "safetensors-"));

/** A file made by hand: any header text, any data, and a length prefix that may lie. */
function forge(header: unknown, dataBytes: number, prefix?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, prefix ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: "F32", shape, data_offsets: [begin, end] });

test("the golden file of one small tensor is written byte for byte", () => {
  const attn = tensor(Float32Array.from([0, 1, 2, 3, 4, 5]), [1, 2, 3]);
  const bytes = encode({ "attn.0": attn });
  expect(bytes).toEqual(new Uint8Array(readFileSync(golden("attn.safetensors"))));
  expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(64n);
  expect(new TextDecoder().decode(bytes.subarray(8, 72)).trimEnd()).toBe(
    '{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}',
  );
});

test("a file of the format's own library reads to the same values, from disk and from memory", () => {
  const expected = readHeader(golden("mixed-as-f32.safetensors"));
  const file = readHeader(golden("mixed.safetensors"));
  const parsed = parse(readFileSync(golden("mixed.safetensors")));
  expect([...file.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
  expect(file.metadata.get("größe")).toBe('a "quoted" text');
  for (const name of expected.tensors.keys()) {
    const read = readTensor(file, name);
    expect(read, name).toEqual(readTensor(expected, name));
    expect(parsed.tensors.get(name)).toEqual(read);
  }
  expect([...readTensor(file, "i64").data]).toEqual([-(2 ** 40), 3, 0, 77]);
});

test("F16 and BF16 are rounded as PyTorch rounds them", () => {
  const file = readHeader(golden("mixed.safetensors"));
  for (const [source, suffix] of [
    ["f32", ""],
    ["special", "special."],
  ] as const) {
    const values = { x: readTensor(file, source) };
    const half = parse(encode(values, {}, { dtype: "F16" })).tensors.get("x");
    expect(half).toEqual(readTensor(file, `${suffix}f16`));
    const brain = parse(encode(values, {}, { dtype: "BF16" })).tensors.get("x");
    expect(brain).toEqual(readTensor(file, `${suffix}bf16`));
  }
});

test("all 65,536 half and bfloat16 patterns mean what PyTorch says, and are encoded back", () => {
  const golden16 = JSON.parse(readFileSync(golden("all-16-bit.json"), "utf8"));
  const patterns = new Uint8Array(Uint16Array.from({ length: 65_536 }, (_, bits) => bits).buffer);
  for (const [dtype, encodeBits, exponentMask] of [
    ["F16", numberToHalf, 0x7c00],
    ["BF16", numberToBfloat16, 0x7f80],
  ] as const) {
    const file = forge({ a: { dtype, shape: [65_536], data_offsets: [0, 131_072] } }, 131_072);
    file.set(patterns, file.length - patterns.length);
    const values = parse(file).tensors.get("a")?.data ?? new Float32Array();
    const hash = createHash("sha256").update(values.map((x) => (Number.isNaN(x) ? 12_345 : x)));
    expect(hash.digest("hex")).toBe(golden16.sha256[dtype]);
    const wrong = [...values].filter((x, bits) =>
      Number.isNaN(x) ? (bits & exponentMask) !== exponentMask : encodeBits(x) !== bits,
    );
    expect(wrong).toEqual([]);
    expect(encodeBits(Number.NaN) & exponentMask).toBe(exponentMask);
  }
});

test("what is written is what is read", () => {
  const path = join(folder(), "x.safetensors");
  const tensors = fc.dictionary(
    fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
    fc
      .array(fc.float({ noNaN: true }), { maxLength: 12 })
      .map((values) => tensor(Float32Array.from(values), [1, values.length])),
  );
  const metadata = fc.dictionary(
    fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__"),
    fc.string({ unit: "grapheme" }),
  );
  fc.assert(
    fc.property(tensors, metadata, (written, meta) => {
      write(path, written, meta);
      const bytes = readFileSync(path);
      expect(new Uint8Array(bytes)).toEqual(encode(written, meta));
      const { tensors: read, metadata: readMeta } = parse(bytes);
      expect([...read].sort()).toEqual(Object.entries(written).sort());
      expect(Object.fromEntries(readMeta)).toEqual({ ...meta });
      const file = readHeader(path);
      expect(file.bytes % 4).toBe(0);
      for (const name of file.tensors.keys()) expect(readTensor(file, name)).toEqual(read.get(name));
    }),
    { numRuns: 50 },
  );
});

test("rows are read alone, in the order and number asked for", () => {
  const path = join(folder(), "rows.safetensors");
  const table = tensor(
    Float32Array.from({ length: 50 }, (_, i) => i),
    [10, 5],
  );
  write(path, { table, vector: tensor(new Float32Array(3), [3]) }, {}, { dtype: "BF16" });
  const file = readHeader(path);
  const rows = readRows(file, "table", [9, 0, 9]);
  expect(rows.shape).toEqual([3, 5]);
  expect([...rows.data]).toEqual([45, 46, 47, 48, 49, 0, 1, 2, 3, 4, 45, 46, 47, 48, 49]);
  expect(() => readRows(file, "table", [10])).toThrow("row 10 of 10");
  expect(() => readRows(file, "vector", [0])).toThrow("not that of a matrix");
});

test("tensors can be made one at a time while they are written, and a failing maker leaves nothing behind", () => {
  const place = folder();
  const path = join(place, "lazy.safetensors");
  write(path, { a: { shape: [2], make: () => tensor(Float32Array.of(1, 2), [2]) } });
  expect([...readTensor(readHeader(path), "a").data]).toEqual([1, 2]);
  const before = readFileSync(path);
  expect(() => write(path, { a: { shape: [3], make: () => tensor(Float32Array.of(1, 2), [2]) } })).toThrow("announced");
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(place)).toEqual(["lazy.safetensors"]);
});

const nested = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;
/** A header of one tensor, some of its values replaced by JSON of one's own. */
const entry = (values: Record<string, string>) => {
  const all = { dtype: '"F32"', shape: "[1]", data_offsets: "[0,4]", ...values };
  return `{"a":{${Object.entries(all).map(([key, json]) => `"${key}":${json}`)}}}`;
};

const hostile: [string, Uint8Array, string][] = [
  ["an empty file", new Uint8Array(0), "holds 0 bytes"],
  ["a file that is no safetensors", new TextEncoder().encode("<html>not found</html>"), "its header claims"],
  ["a giant header", forge("{}", 0, 2n ** 62n), "at most"],
  ["a header longer than the file", forge("{}", 0, 3n), "but 2 follow"],
  ["a header that is not JSON", forge("{nonsense}", 0), "valid JSON"],
  ["a header that is not UTF-8", Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x7d), "valid JSON"],
  ["a header that is a list", forge("[1,2]", 0), "start with {"],
  ["metadata that is not text", forge({ __metadata__: { a: 1 } }, 0), "not a text"],
  ["metadata that is a list", forge({ __metadata__: [] }, 0), "not an object"],
  ["an entry that is no object", forge({ a: null }, 0), "not described"],
  ["an unknown dtype", forge({ a: { dtype: "F33", shape: [1], data_offsets: [0, 4] } }, 4), "F33"],
  ["a dtype named like a method", forge({ a: { dtype: "toString", shape: [1], data_offsets: [0, 4] } }, 4), "dtype"],
  ["a negative dimension", forge({ a: f32([-1], 0, 4) }, 4), "whole numbers"],
  ["a fractional dimension", forge({ a: f32([0.5, 2], 0, 4) }, 4), "whole numbers"],
  ["dimensions that overflow", forge({ a: f32([2 ** 32, 2 ** 32], 0, 0) }, 0), "does not fill"],
  ["a dimension beyond exact numbers", forge('{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,4]}}', 4), "whole"],
  ["offsets that run backwards", forge({ a: f32([1], 4, 0) }, 4), "bytes 4 to 0"],
  ["offsets beyond the end", forge({ a: f32([2], 0, 8) }, 4), "cut short"],
  ["three offsets", forge({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } }, 8), "[begin, end]"],
  ["a length unequal to dims × size", forge({ a: f32([3], 0, 8) }, 8), "does not fill its 8 bytes"],
  ["overlapping tensors", forge({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), "overlaps"],
  ["the same bytes twice", forge({ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4), "overlaps"],
  ["a hole between tensors", forge({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "belong to none"],
  ["bytes after the last tensor", forge({ a: f32([1], 0, 4) }, 9), "last 5 bytes"],
  [
    "a name given twice",
    forge(`{"a":${JSON.stringify(f32([1], 0, 4))},"\\u0061":${JSON.stringify(f32([1], 0, 4))}}`, 4),
    "twice",
  ],
  [
    "a key given twice inside an entry",
    forge('{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,2]}}', 2),
    "twice",
  ],
  ["100,000 dimensions", forge({ a: f32(new Array(1e5).fill(1), 0, 4) }, 4), "has 100000 dimensions"],
  ["a shape nested 100,000 deep", forge(entry({ shape: nested }), 4), "has shape […]"],
  ["a dtype nested 100,000 deep", forge(entry({ dtype: nested }), 4), "has dtype […]"],
  ["offsets nested 100,000 deep", forge(entry({ data_offsets: nested }), 4), "has data_offsets […]"],
  ["deeply nested JSON", forge(`{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, 0), "not described"],
];

test.each(hostile)("%s is refused with one clear error, from memory and from disk", (_, bytes, reason) => {
  const path = join(folder(), "hostile.safetensors");
  writeFileSync(path, bytes);
  for (const read of [() => parse(bytes), () => readHeader(path)]) {
    let error: unknown;
    try {
      read();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code: "bad_safetensors", message: expect.stringContaining(reason) });
    expect((error as UserError).message.length).toBeLessThan(400);
  }
});

test("a header above the caller's cap is refused before it is read", () => {
  expect(() => parse(forge({ a: f32([1], 0, 4) }, 4), { maxHeaderBytes: 16, label: "cat.safetensors" })).toThrow(
    "cat.safetensors is not a usable safetensors file: its header claims 54 bytes, at most 16 are read.",
  );
});

test("names that mean something to JavaScript are ordinary names", () => {
  const file = forge(
    '{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    4,
  );
  const { tensors, metadata } = parse(file);
  expect([...tensors.keys()]).toEqual(["__proto__"]);
  expect(metadata.get("__proto__")).toBe("x");
  expect(metadata.get("constructor")).toBeUndefined();
});

test("known number formats that cannot be read are refused only when asked for", () => {
  const path = join(folder(), "f8.safetensors");
  writeFileSync(path, forge({ a: { dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] } }, 4));
  const file = readHeader(path);
  expect(() => readTensor(file, "a")).toThrow("stored as F8_E4M3");
  expect(() => readTensor(file, "b")).toThrow('no tensor "b"');
});

test("NaN passes through reading and is found by assertFinite", () => {
  const read = parse(encode({ a: tensor(Float32Array.of(1, Number.NaN), [2]) })).tensors.get("a");
  expect(read?.data[1]).toBeNaN();
  expect(() => read && assertFinite(read, "concept.safetensors")).toThrow("value 1 of its 2 is NaN");
});

test("links to regular files are followed; pipes, folders, loops and missing files are refused", () => {
  const place = folder();
  const real = join(place, "real.safetensors");
  write(real, { a: tensor(Float32Array.of(1), [1]) });
  symlinkSync(real, join(place, "link"));
  expect(readHeader(join(place, "link")).path).toBe(real);
  execFileSync("mkfifo", [join(place, "pipe")]);
  symlinkSync(join(place, "pipe"), join(place, "to-pipe"));
  symlinkSync(join(place, "loop"), join(place, "loop"));
  for (const name of ["pipe", "to-pipe", "loop", "."]) {
    expect(() => readHeader(join(place, name)), name).toThrow(expect.objectContaining({ code: "bad_safetensors" }));
  }
  expect(() => readHeader(join(place, "none"))).toThrow(expect.objectContaining({ code: "not_found" }));
  expect(() => readHeader("/dev/zero")).toThrow("not a regular file");
});

test("a file that shrinks after its header was read is refused", () => {
  const path = join(folder(), "x.safetensors");
  write(path, { a: tensor(new Float32Array(100), [100]) });
  const file = readHeader(path);
  truncateSync(path, 200);
  expect(() => readTensor(file, "a")).toThrow("changed while in use");
});

const onlyUserErrors = (bytes: Uint8Array) => {
  try {
    parse(bytes);
  } catch (error) {
    if (!(error instanceof UserError && error.code === "bad_safetensors")) throw error;
  }
};

test("random bytes never crash the reader", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), onlyUserErrors));
});

test("random JSON headers never crash the reader", () => {
  const entry = fc.record({
    dtype: fc.constantFrom("F32", "I64", "F8_E5M2", "?"),
    shape: fc.anything(),
    data_offsets: fc.anything(),
  });
  const header = fc.oneof(
    fc.json(),
    fc.dictionary(fc.string(), entry).map((value) => JSON.stringify(value)),
  );
  fc.assert(fc.property(header, fc.nat(16), (text, dataBytes) => onlyUserErrors(forge(text, dataBytes))));
});

test("a good file with any bytes changed never crashes the reader", () => {
  const good = encode({ a: tensor(new Float32Array(4), [2, 2]), b: tensor(new Float32Array(3), [3]) }, { k: "v" });
  const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(good.length), (changes, cut) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      onlyUserErrors(bytes);
      onlyUserErrors(bytes.subarray(0, cut));
    }),
    { numRuns: 500 },
  );
});

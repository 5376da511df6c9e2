import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { encodeConcept, metadataKey } from "../../functions/concepts/concept-file.ts";
import { exportConcept, exportFormats } from "../../functions/concepts/export-concept.ts";
import { adoptConcept, importConcept } from "../../functions/concepts/import-concept.ts";
import { unpickle } from "../../functions/concepts/pickle.ts";
import { encodePng, withTexts } from "../../functions/tensor/encode-picture.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { encode } from "../../functions/tensor/write-safetensors.ts";
import { goldenConcept, goldenPicture, goldenRows } from "../support/golden-concept.ts";

const folder = join(import.meta.dirname, "../golden/concept-files");
const golden = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));
const firstRow = tensor(goldenRows.data.slice(0, 16), [1, 16]);
const refusal = (code: string, words = "") =>
  expect.objectContaining({ name: "UserError", code, message: expect.stringContaining(words) });

describe("files of other tools, made by them", () => {
  test.each([
    ["a1111.pt", "golden-cat", "string_to_param PyTorch file"],
    ["diffusers-half.bin", "golden-cat", "one-tensor PyTorch file"],
    ["diffusers-bfloat16.bin", "golden-cat", "one-tensor PyTorch file"],
    ["bare-tensor.pt", "my-file", "one-tensor PyTorch file"],
    ["transposed.pt", "golden-cat", "one-tensor PyTorch file"],
    ["view.pt", "golden-cat", "one-tensor PyTorch file"],
    ["sdxl.pt", "my-file", "clip_l PyTorch file"],
    ["kohya.safetensors", "golden-cat", "emb_params safetensors"],
    ["onetrainer.safetensors", "my-file", "emp_params safetensors"],
    ["diffusers.safetensors", "golden-cat", "one-tensor safetensors"],
    ["sdxl.safetensors", "my-file", "clip_l safetensors"],
    ["card-text.png", "golden-cat", "string_to_param PNG card"],
    ["card-ztext.png", "golden-cat", "string_to_param PNG card"],
    ["card-itext.png", "golden-cat", "string_to_param PNG card"],
    ["card-pixels.png", "golden-cat", "string_to_param PNG card"],
  ])("%s is <%s>, %s", async (file, name, format) => {
    const imported = await importConcept(golden(file), { fileName: "folder/My File.pt", width: 16 });
    expect(imported).toMatchObject({ name, format });
    expect(imported.rows).toEqual(goldenRows);
  });

  test("a vector counts as one row", async () => {
    expect((await importConcept(golden("diffusers-vector.bin"))).rows).toEqual(firstRow);
  });

  test("author, licence, steps and base model are taken along", async () => {
    expect(await importConcept(golden("kohya.safetensors"))).toMatchObject({ author: "Ann", licence: "CC0" });
    expect(await importConcept(golden("a1111.pt"))).toMatchObject({
      steps: 100,
      baseModel: { id: "v1-5-pruned", hash: "81761151" },
    });
  });

  test.each([
    ["malice.pt", "bad_concept", "posix.system"],
    ["parameter.pt", "bad_concept", "torch._utils._rebuild_parameter"],
    ["double.pt", "bad_concept", "torch.DoubleStorage"],
    ["legacy.pt", "bad_concept", "PyTorch before 1.6"],
    ["plain-pickle.pt", "bad_concept", "bare pickle"],
    ["bomb.pt", "bad_concept", "compressed"],
    ["two-tensors.pt", "bad_concept", "found 2"],
    ["two-tensors.safetensors", "bad_concept", '"a", "b"'],
    ["plain.png", "bad_concept", "plain picture"],
  ])("%s is refused with %s, naming %s", async (file, code, words) => {
    await expect(importConcept(golden(file))).rejects.toThrowError(refusal(code, words));
  });
});

describe("our exports", () => {
  test.each(exportFormats)("%s comes back with rows and passport", async (format) => {
    const { fileName, bytes } = await exportConcept(goldenConcept, format, goldenPicture);
    const imported = await importConcept(bytes, { fileName, width: 16 });
    expect(imported.rows).toEqual(goldenRows);
    expect(imported.name).toBe("golden-cat");
    if (format !== "a1111") expect(imported.passport?.initialiser).toEqual(goldenConcept.meta.initialiser);
  });

  // test/golden/concept-files.py has loaded these files with torch, safetensors, diffusers and AUTOMATIC1111's own card code.
  test.each(["safetensors", "diffusers", "a1111"] as const)(
    "%s is the file that its tool has loaded",
    async (format) => {
      const { fileName, bytes } = await exportConcept(goldenConcept, format);
      expect(Buffer.from(bytes).equals(golden(`ours/${fileName}`))).toBe(true);
    },
  );

  test("the card says in its pixels what it says in its text, and what the card that A1111 has read says", async () => {
    const { bytes } = await exportConcept(goldenConcept, "card", goldenPicture);
    for (const card of [bytes, golden("ours/golden-cat.png")]) {
      const stripped = await encodePng(await readPicture(card));
      expect((await importConcept(stripped)).rows).toEqual(goldenRows);
    }
  });

  test("our own concept file is read too", async () => {
    const imported = await importConcept(encodeConcept(goldenConcept));
    expect(imported).toMatchObject({ format: "concept file", passport: goldenConcept.meta });
  });

  test("an adopted concept is its new owner's, private, and says where it came from", async () => {
    const { bytes } = await exportConcept(goldenConcept, "safetensors");
    const options = { id: "new1", owner: { id: "bob", name: "bob" }, created: "2026-08-02T00:00:00Z" };
    const concept = adoptConcept(await importConcept(bytes), options);
    expect(concept.meta).toMatchObject({
      ...options,
      version: 1,
      name: "golden-cat",
      scope: "private",
      scopeId: "bob",
      initialiser: { kind: "caption", text: "golden striped cat" },
      origin: { format: "emb_params safetensors", author: "ann" },
    });
    expect(() => encodeConcept(concept)).not.toThrow();
    const bare = adoptConcept(await importConcept(golden("diffusers-vector.bin")), options);
    expect(bare.meta).toMatchObject({ tokens: 1, width: 16, baseModel: { id: "unknown" } });
    expect(() => encodeConcept(bare)).not.toThrow();
  });

  test("an adopted concept keeps no keys of the store that a file names: they may be somebody else's", async () => {
    const meta = { ...goldenConcept.meta, preview: "concepts/victim/1.safetensors", source: "uploads/victim.png" };
    const file = encodeConcept({ ...goldenConcept, meta });
    const options = { id: "new1", owner: { id: "eve", name: "eve" }, created: "2026-08-02T00:00:00Z" };
    const adopted = adoptConcept(await importConcept(file), options);
    expect(JSON.stringify(adopted.meta)).not.toMatch(/victim|golden1|uploads/);
  });

  test("a concept with a name in another script has an ASCII file name", async () => {
    const concept = { ...goldenConcept, meta: { ...goldenConcept.meta, name: "ねこ" } };
    const { fileName, bytes } = await exportConcept(concept, "a1111");
    expect(fileName).toMatch(/^concept-[0-9a-f]{8}\.pt$/);
    expect((await importConcept(bytes)).name).toBe("ねこ");
  });
});

const zip = (files: Record<string, Uint8Array | string>) =>
  zipSync(
    Object.fromEntries(
      Object.entries(files).map(([name, data]) => [
        name,
        typeof data === "string" ? Buffer.from(data, "latin1") : data,
      ]),
    ),
    { level: 0 },
  );
const pt = (pickle: string, block = new Uint8Array(64)) =>
  zip({ "a/data.pkl": `\x80\x02${pickle}`, "a/data/0": block });
const tensorPickle = (shape: string, strides: string, offset = "K\0", storage = "FloatStorage") =>
  `}X\x01\0\0\0xctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n${storage}\nX\x01\0\0\x000X\x03\0\0\0cpuK\x10tQ${offset}${shape}${strides}\x89ccollections\nOrderedDict\n)RtRs.`;

describe("hostile files", () => {
  test("the hand-written pickle that the attacks below vary is itself a concept", async () => {
    expect((await importConcept(pt(tensorPickle("K\x02K\x08\x86", "K\x08K\x01\x86")))).rows.shape).toEqual([2, 8]);
  });

  test.each<[string, Uint8Array, string]>([
    ["eval", pt("c__builtin__\neval\nX\x02\0\0\x0011\x85R."), "__builtin__.eval"],
    ["posix.system", pt("cposix\nsystem\nX\x02\0\0\0ls\x85R."), "posix.system"],
    ["an old INST opcode", pt("(S'ls'\nios\nsystem\n."), "opcode 0x53"],
    ["STACK_GLOBAL", pt("X\x02\0\0\0osX\x06\0\0\0system\x93."), "opcode 0x93"],
    ["BUILD", pt("}}b."), "opcode 0x62"],
    ["NEWOBJ", pt("ccollections\nOrderedDict\n)\x81."), "opcode 0x81"],
    ["a nested pickle library", pt("cpickle\nloads\n."), "pickle.loads"],
    [
      "a storage of another kind",
      pt(tensorPickle("K\x10\x85", "K\x01\x85", "K\0", "UntypedStorage")),
      "torch.UntypedStorage",
    ],
    ["protocol 4", zip({ "a/data.pkl": "\x80\x04}." }), "protocol 2"],
    ["a call of a dict with arguments", pt("ccollections\nOrderedDict\nK\x01\x85R."), "OrderedDict"],
    ["a call of a text", pt("X\x01\0\0\0x)R."), "no function"],
    ["a shape of billions", pt(tensorPickle("J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "K\0K\0\x86")), "no concept's"],
    ["a negative shape", pt(tensorPickle("J\xff\xff\xff\xff\x85", "K\x01\x85")), "no concept's"],
    ["a negative offset", pt(tensorPickle("K\x10\x85", "K\x01\x85", "J\xff\xff\xff\xff")), "no concept's"],
    ["a window past its block", pt(tensorPickle("K\x11\x85", "K\x01\x85")), "needs 17 numbers"],
    ["a stride past its block", pt(tensorPickle("K\x02K\x08\x86", "M\xff\xffK\x01\x86")), "its block has 16"],
    ["strides for another shape", pt(tensorPickle("K\x02K\x08\x86", "K\x01\x85")), "no concept's"],
    ["a missing block", zip({ "a/data.pkl": `\x80\x02${tensorPickle("K\x10\x85", "K\x01\x85")}` }), "no number block"],
    ["a whole number of 2,040 bits", pt(`\x8a\xff${"\x7f".repeat(255)}.`), "too large"],
    ["a pickle without end", pt("}"), "cut short"],
    ["a text without end", pt("X\xff\xff\xff\x7fab."), "cut short"],
    ["nothing to stop at", pt("."), "more values"],
    ["a mark taken as a value", pt("}(0."), "opcode 0x30"],
    ["values below a mark", pt("K\x01(\x86."), "more values"],
    ["a missing mark", pt("}u."), "mark is missing"],
    ["a value never made", pt("h\x07."), "did not make"],
    ["a dict in itself", pt("}q\0X\x01\0\0\0xh\0s."), "too many"],
    ["a pickle for each of two folders", zip({ "a/data.pkl": "x", "b/data.pkl": "x" }), "2 pickles"],
    ["a path that climbs out", zip({ "../../data.pkl": "\x80\x02}." }), "0 pickles"],
    ["another byte order", zip({ "a/data.pkl": "\x80\x02}.", "a/byteorder": "big" }), "little-endian"],
    ["a zip cut short", golden("a1111.pt").subarray(0, 900), "damaged or cut short"],
    ["a zip of nothing", zip({}), "got an unknown format (first bytes 50 4b 05 06)"],
    ["lists in lists, 50,000 deep", pt(`${"]".repeat(50_000)}${"a".repeat(49_999)}.`), "too many"],
    ["200,000 marks", pt(`${"(".repeat(200_000)}.`), "more values"],
  ])("a PyTorch file with %s is refused by name", async (_, bytes, words) => {
    const began = performance.now();
    await expect(importConcept(bytes)).rejects.toThrowError(refusal("bad_concept", words));
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(), "got an empty file"],
    ["a WebP picture", golden("../pictures/plain.webp"), "or a PNG card, got WebP"],
    ["a gzip", gzipSync(Buffer.alloc(99)), "first bytes 1f 8b 08 00"],
    ["a pickle of protocol 0", Buffer.from("cos\nsystem\n(S'ls'\ntR."), "first bytes 63 6f 73 0a"],
    ["a web page", Buffer.from("<!doctype html><p>404"), "got a web page"],
  ])("%s is refused with what would have done", async (_, bytes, words) => {
    await expect(importConcept(bytes)).rejects.toThrowError(refusal("bad_concept", words));
  });

  test.each([
    ["a list", `${"[".repeat(2e5)}${"]".repeat(2e5)}`],
    ["a dict", `${'{"a":'.repeat(5e4)}1${"}".repeat(5e4)}`],
    ["a family tree", `{"blend":${'[{"share":1,"parents":'.repeat(2e4)}1${"}]".repeat(2e4)}}`],
    ["a prototype", '{"__proto__":{"id":"x"},"constructor":1}'],
  ])("a passport or a card that is %s beyond any depth is refused", async (_, json) => {
    const passport = encode({ clip_l: tensor(new Float32Array(8), [1, 8]) }, { [metadataKey]: json });
    await expect(importConcept(passport)).rejects.toThrowError(refusal("bad_concept", "eponym text"));
    const card = withTexts(golden("plain.png"), { "sd-ti-embedding": Buffer.from(json).toString("base64") });
    await expect(importConcept(card)).rejects.toThrowError(refusal("bad_concept"));
  });

  test("references to references to references do not grow without end", async () => {
    const level = (k: number) => `](${`h${String.fromCharCode(k - 1)}`.repeat(200)}eq${String.fromCharCode(k)}`;
    const lists = `]q\0${level(1)}${level(2)}${level(3)}`;
    const file = pt(`${lists}}X\x01\0\0\0xh\x03s.`);
    await expect(importConcept(file)).rejects.toThrowError(refusal("bad_concept", "too many lists"));
  });

  test("numbers that are not finite are refused with their place", async () => {
    const block = new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => (i === 9 ? Number.NaN : i)).buffer);
    const file = pt(tensorPickle("K\x02K\x08\x86", "K\x08K\x01\x86"), block);
    await expect(importConcept(file)).rejects.toThrowError(refusal("bad_concept", "row 1, column 1 is NaN"));
  });

  test("rows of another width are refused with both widths and their families", async () => {
    const wide = encode({ emb_params: tensor(new Float32Array(1024), [1, 1024]) });
    const refused = importConcept(wide, { width: 768 });
    await expect(refused).rejects.toThrowError(
      refusal("bad_concept", "1024 values (Stable Diffusion 2.x); this model has 768"),
    );
  });

  test.each<[string, unknown]>([
    ["rows of unequal width", { string_to_param: { "*": { TORCHTENSOR: [[1, 2], [1]] } } }],
    ["texts for numbers", { string_to_param: { "*": { TORCHTENSOR: [["1", "2"]] } } }],
    ["no rows", { string_to_param: { "*": { TORCHTENSOR: [] } } }],
    ["77 rows", { string_to_param: { "*": { TORCHTENSOR: Array.from({ length: 77 }, () => [1]) } } }],
    ["two tensors", { string_to_param: { a: { TORCHTENSOR: [1] }, b: { TORCHTENSOR: [1] } } }],
    ["a list", [1, 2, 3]],
    ["a dict in a dict in a dict", { a: { b: { c: { d: { e: 1 } } } } }],
    ["nothing", null],
    ["infinity", { string_to_param: { "*": { TORCHTENSOR: [[Number.MAX_VALUE]] } } }],
  ])("a card that says %s is refused", async (_, dict) => {
    const text = Buffer.from(JSON.stringify(dict)).toString("base64");
    const card = withTexts(golden("plain.png"), { "sd-ti-embedding": text });
    await expect(importConcept(card)).rejects.toThrowError(refusal("bad_concept"));
  });

  test("a card whose text is a bomb is read no further than a concept is long", async () => {
    const body = Buffer.concat([
      Buffer.from("zTXtsd-ti-embedding\0\0", "latin1"),
      deflateSync(Buffer.alloc(60_000_000, 0x41)),
    ]);
    const chunk = Buffer.alloc(body.length + 8);
    chunk.writeUInt32BE(body.length - 4, 0);
    body.copy(chunk, 4);
    chunk.writeUInt32BE(crc32(body), body.length + 4);
    const png = golden("plain.png");
    const card = Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
    await expect(importConcept(card)).rejects.toThrowError(refusal("bad_concept", "plain picture"));
  });

  test.each(["a1111.pt", "kohya.safetensors", "card-text.png", "view.pt"])(
    "any damage to %s is refused or harmless",
    async (name) => {
      const good = golden(name);
      const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
      await fc.assert(
        fc.asyncProperty(
          fc.array(change, { minLength: 1, maxLength: 5 }),
          fc.nat(good.length),
          async (changes, length) => {
            const bad = good.slice(0, length % 4 === 0 ? length : good.length);
            for (const [at, byte] of changes) if (at < bad.length) bad[at] = byte;
            try {
              const { rows } = await importConcept(bad);
              expect(rows.data.every(Number.isFinite)).toBe(true);
            } catch (error) {
              expect(error).toMatchObject({ name: "UserError" });
            }
          },
        ),
        { numRuns: 100 },
      );
    },
  );

  test("any pickle is a value or a refusal", () => {
    const opcode = fc.constantFrom(
      0x28,
      0x29,
      0x2e,
      0x4a,
      0x4b,
      0x4d,
      0x4e,
      0x51,
      0x52,
      0x58,
      0x5d,
      0x61,
      0x63,
      0x65,
      0x68,
      0x71,
      0x73,
      0x74,
      0x75,
      0x7d,
      0x80,
      0x85,
      0x88,
      0x8a,
      2,
      0,
      1,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(opcode, fc.nat(255)), { maxLength: 60 }), (bytes) => {
        try {
          unpickle(Uint8Array.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ name: "UserError" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openTokenizer } from "../../functions/models/tokenizer.ts";
import { limits } from "../../shared/limits.ts";
import { tokenizerFolder } from "../support/tokenizer-folder.ts";

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly special: readonly number[];
  readonly ids: readonly (readonly number[])[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/tokenizer/golden.json", import.meta.url), "utf8")) as {
  readonly texts: readonly string[];
  readonly small: Readonly<Record<string, Case>>;
  readonly clip: Readonly<Record<string, Case>>;
};

for (const which of ["small", "clip"] as const) {
  test.each(Object.entries(golden[which]))(
    `the ${which} vocabulary, configured as %s, gives the reference's ids`,
    (_, it) => {
      const tokenizer = openTokenizer(tokenizerFolder(which, it.config));
      for (const [i, text] of golden.texts.entries()) {
        expect({ text, ids: tokenizer.encode(text) }).toEqual({ text, ids: it.ids[i] });
      }
      expect([tokenizer.beginId, tokenizer.endId, tokenizer.padId]).toEqual(it.special);
      expect(tokenizer.length).toBe(it.config["model_max_length"]);
      expect(tokenizer.encode("*")).toEqual([265]);
    },
  );
}

test("decoding gives the words back, lower case and spaced as written, without begin and end", () => {
  const tokenizer = openTokenizer(tokenizerFolder("small"));
  const ids = [tokenizer.beginId, ...tokenizer.encode("A photo of my cat's hat, in space 🐱"), tokenizer.endId];
  expect(tokenizer.decode(ids)).toBe("a photo of my cat's hat, in space 🐱");
  expect(tokenizer.decode([])).toBe("");
});

/** Unassigned code points and lone surrogates included. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((point) => String.fromCodePoint(point));

test("any text at all becomes ids of the vocabulary, and lower-case words survive the round trip", () => {
  const tokenizer = openTokenizer(tokenizerFolder("small"));
  fc.assert(
    fc.property(fc.array(anyCharacter), (characters) => {
      const text = characters.join("");
      expect(Math.max(0, ...tokenizer.encode(text))).toBeLessThanOrEqual(tokenizer.endId);
    }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c", "d", "ä", "ö"), minLength: 1 }), { minLength: 1 }),
      (list) => {
        expect(tokenizer.decode(tokenizer.encode(list.join(" ")))).toBe(list.join(" "));
      },
    ),
  );
});

test("special tokens come from special_tokens_map.json before the config, as Stable Diffusion 2 needs", () => {
  const config = { model_max_length: 77, pad_token: "<|endoftext|>" };
  const map = { pad_token: "!", eos_token: { content: "<|endoftext|>", lstrip: false } };
  const folder = tokenizerFolder("small", config, { "tokenizer/special_tokens_map.json": map });
  expect(openTokenizer(folder).padId).toBe(0);
});

test("tokens added beyond the vocabulary are found in either form that they are written in", () => {
  const older = tokenizerFolder("small", undefined, { "tokenizer/added_tokens.json": { "<cat-toy>": 1004 } });
  expect(openTokenizer(older).encode("<cat-toy>")).toEqual([1004]);
  const newer = { model_max_length: 77, added_tokens_decoder: { 1004: { content: "<cat-toy>", special: true } } };
  expect(openTokenizer(tokenizerFolder("small", newer)).encode("<cat-toy>")).toEqual([1004]);
});

test("a token id beyond the text encoder's table is refused", () => {
  const encoder = { max_position_embeddings: 77, vocab_size: 500 };
  expect(() => openTokenizer(tokenizerFolder("small"), encoder)).toThrow(/must be 0…499, got 500; is it from another/);
});

test("a length that the files do not know is that of the position embeddings, and never exceeds it", () => {
  const encoder = { max_position_embeddings: 64, vocab_size: 2000 };
  const unknown = tokenizerFolder("small", { model_max_length: 1e30 });
  expect(openTokenizer(unknown, encoder).length).toBe(64);
  expect(openTokenizer(tokenizerFolder("small"), encoder).length).toBe(64);
  expect(() => openTokenizer(unknown)).toThrow("model_max_length, got 1e+30");
  expect(() => openTokenizer(tokenizerFolder("small", {}))).toThrow("got nothing");
});

test("only a checkpoint with vocabulary.json has unknown words, and each is named once", () => {
  const words = { words: ["cat", "Hat", "t-shirt", "space", "my"] };
  const tokenizer = openTokenizer(tokenizerFolder("small", undefined, { "vocabulary.json": words }));
  expect(tokenizer.unknownWords("My cat's HAT, a zebra in a T-shirt… a Zebra!").map(({ word }) => word)).toEqual([
    "a",
    "zebra",
    "in",
  ]);
  expect(openTokenizer(tokenizerFolder("small")).unknownWords("a zebra")).toEqual([]);
});

const hostile: readonly (readonly [string, unknown, Readonly<Record<string, unknown>>, string])[] = [
  ["a vocabulary that is not JSON", undefined, { "tokenizer/vocab.json": "{" }, "vocab.json is not JSON"],
  ["a vocabulary that is a list", undefined, { "tokenizer/vocab.json": [] }, "expected an object of tokens"],
  ["a fractional id", undefined, { "tokenizer/vocab.json": { a: 0.5 } }, 'the id of "a" must be 0…999999, got 0.5'],
  ["a giant id", undefined, { "tokenizer/vocab.json": { a: 4e9 } }, "must be 0…999999, got 4000000000"],
  ["a vocabulary without end token", undefined, { "tokenizer/vocab.json": { a: 0 } }, 'lacks the special token "<|'],
  ["a merge of three", undefined, { "tokenizer/merges.txt": "#version\na b\na b c" }, "line 3 must hold two tokens"],
  ["another tokenizer", { tokenizer_class: "T5Tokenizer" }, {}, "tokenizer_class"],
  ["a number as token", { model_max_length: 77, bos_token: 5 }, {}, "bos_token"],
  ["a length of two", { model_max_length: 2 }, {}, "model_max_length"],
];
test.each(hostile)("refuses %s with one clear error", (_, config, files, message) => {
  expect(() => openTokenizer(tokenizerFolder("small", config, files))).toThrow(
    expect.objectContaining({ name: "UserError", code: "bad_config", message: expect.stringContaining(message) }),
  );
});

test("refuses a vocabulary larger than any tokenizer's before reading it", () => {
  const huge = " ".repeat(limits.maxTokenizerFileBytes + 1);
  expect(() => openTokenizer(tokenizerFolder("small", undefined, { "tokenizer/vocab.json": huge }))).toThrow(
    "more than",
  );
});

test("a missing file is named", () => {
  expect(() => openTokenizer("/nowhere")).toThrow("tokenizer_config.json does not exist");
});

import { expect, test } from "vitest";
import { embeddedFolder } from "../../functions/models/catalog.ts";
import { openTokenizer } from "../../functions/models/tokenizer.ts";
import { unknownWords, unknownWordsNote } from "../../functions/models/unknown-words.ts";
import { tokenizerFolder } from "../support/tokenizer-folder.ts";

const words = { words: ["cat", "guitar", "drum", "boat", "a"] };
const near = { violin: "lute drum guitar", boats: "cat drum" };

const open = () =>
  unknownWords(tokenizerFolder("small", undefined, { "vocabulary.json": words, "near-words.json": near }));

test("two known words come with every unknown one: by meaning, and by spelling where no meaning is known", () => {
  expect(open()("a violin, my gutar and the bot")).toEqual([
    { word: "violin", near: ["drum", "guitar"] },
    { word: "my", near: expect.arrayContaining([expect.any(String), expect.any(String)]) },
    { word: "gutar", near: ["guitar", expect.any(String)] },
    { word: "and", near: [expect.any(String), expect.any(String)] },
    { word: "the", near: [expect.any(String), expect.any(String)] },
    { word: "bot", near: ["boat", expect.any(String)] },
  ]);
});

test("words of every kind of hostility are named, cut short, never an error", () => {
  const find = open();
  const long = "x".repeat(5_000);
  const note = unknownWordsNote(find(`__proto__ constructor ${long} ${"q w e r t y u i o p".repeat(9)}`));
  expect(note).toMatch(/^This model has never seen “proto” \(try “\w+” or “\w+”\), “constructor”/);
  expect(note).toMatch(/and \d+ more\.$/);
  expect((note as string).length).toBeLessThan(500);
  expect(unknownWordsNote(find("a cat"))).toBeUndefined();
});

test("the embedded model offers what it can draw for what it cannot", () => {
  const { unknownWords: find } = openTokenizer(embeddedFolder);
  const [kitten, violin] = find("a kitten with a violin").filter(({ word }) => word !== "with");
  expect(kitten?.near).toContain("cat");
  expect(violin?.near).toContain("guitar");
});

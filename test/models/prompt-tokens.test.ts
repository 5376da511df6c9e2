import fc from "fast-check";
import { expect, test } from "vitest";
import { type PromptPart, promptTokens } from "../../functions/models/prompt-tokens.ts";
import { openTokenizer } from "../../functions/models/tokenizer.ts";
import { part } from "../../functions/tensor/batch.ts";
import { normal } from "../../functions/tensor/noise.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { tokenizerFolder } from "../support/tokenizer-folder.ts";

const width = 3;
/** The embedding of an id is the id, `width` times over. */
const embed = (ids: readonly number[]) =>
  tensor(Float32Array.from(ids.flatMap((id) => new Array<number>(width).fill(id))), [ids.length, width]);
const modelOf = (length: number, pad = "<|endoftext|>") => ({
  tokenizer: openTokenizer(tokenizerFolder("small", { model_max_length: length, pad_token: pad })),
  width,
  embed,
});
const concept = (name: string, count: number) => ({
  name,
  rows: normal([count, width], { seed: count, stream: name }),
});
/** First column of the embeddings: the ids, where no concept stands. */
const firstColumn = ({ data }: { readonly data: Float32Array }) => Array.from(data).filter((_, i) => i % width === 0);

test("plain text becomes begin, its tokens, end and padding", () => {
  const model = modelOf(12, "!");
  const { tokenizer } = model;
  const { embeddings, concepts, used, warnings } = promptTokens(model, ["a photo of a cat"]);
  const ids = tokenizer.encode("a photo of a cat");
  expect(embeddings.shape).toEqual([12, width]);
  expect(firstColumn(embeddings)).toEqual([
    tokenizer.beginId,
    ...ids,
    tokenizer.endId,
    ...new Array(10 - ids.length).fill(tokenizer.padId),
  ]);
  expect({ concepts, used, warnings }).toEqual({ concepts: [], used: ids.length + 2, warnings: [] });
});

test("the empty prompt is begin, end and padding", () => {
  const model = modelOf(5);
  const { beginId, endId } = model.tokenizer;
  expect(firstColumn(promptTokens(model, []).embeddings)).toEqual([beginId, endId, endId, endId, endId]);
});

test("concepts stand whole, in order, exactly where they are said to stand", () => {
  const model = modelOf(40);
  const words = fc.constantFrom("a photo of ", ", in space", " and ", "");
  const rows = fc.integer({ min: 1, max: 5 }).map((count) => concept(`<c${count}>`, count));
  fc.assert(
    fc.property(fc.array(fc.oneof(words, rows), { maxLength: 5 }), (parts: readonly PromptPart[]) => {
      const { embeddings, concepts, used } = promptTokens(model, parts);
      const wanted = parts.filter((it) => typeof it !== "string");
      expect(concepts.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
      for (const [i, { start, count }] of concepts.entries()) {
        expect(part(embeddings, start, start + count)).toEqual(wanted[i]?.rows);
        expect(start + count).toBeLessThan(used);
      }
      const text = parts.filter((it) => typeof it === "string").flatMap((it) => model.tokenizer.encode(it));
      const taken = new Set(concepts.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i)));
      const others = firstColumn(embeddings).filter((_, i) => !taken.has(i));
      expect(others.slice(0, text.length + 2)).toEqual([model.tokenizer.beginId, ...text, model.tokenizer.endId]);
    }),
  );
});

test("text beyond the model's length is left out and quoted", () => {
  const model = modelOf(6);
  const { embeddings, used, warnings } = promptTokens(model, [concept("<cat>", 2), " a b * c"]);
  expect(embeddings.shape).toEqual([6, width]);
  expect(used).toBe(6);
  expect(firstColumn(embeddings).slice(3)).toEqual([...model.tokenizer.encode("a b"), model.tokenizer.endId]);
  expect(warnings).toEqual(['The prompt is longer than the 4 tokens this model reads; left out: "* c"']);
});

test("what is left out is quoted in whole words, and no longer than a note may be", () => {
  const model = modelOf(6);
  const { warnings } = promptTokens(model, ["a b zzzyx qqq c"]);
  expect(warnings[0]).toMatch(/left out: "zzzyx qqq c"$/);
  const [afterConcept] = promptTokens(model, [concept("<cat>", 4), "zzzyx"]).warnings;
  expect(afterConcept).toMatch(/left out: "zzzyx"$/);
  const [long = ""] = promptTokens(model, ["a b c d ".repeat(125)]).warnings;
  expect(long).toMatch(/left out: "a b c d .* …"$/);
  expect(long.length).toBeLessThan(500);
});

test("a concept that would be cut is refused, with how much too long the prompt is", () => {
  const model = modelOf(8);
  expect(() => promptTokens(model, ["a a a", concept("<cat>", 3)])).not.toThrow();
  expect(() => promptTokens(model, ["a a a a", concept("<cat>", 3)])).toThrow(
    expect.objectContaining({
      code: "bad_prompt",
      message:
        "The prompt is too long: <cat> takes 3 tokens and 4 stand before it, but this model reads 6. Shorten what stands before it by 1 token, or move it to the front.",
    }),
  );
  expect(() => promptTokens(model, [concept("<cat>", 7)])).toThrow("Learn it from a shorter caption.");
});

test("a concept of another base model is refused", () => {
  const other = { name: "<cat>", rows: normal([2, width + 1], { seed: 1, stream: "rows" }) };
  expect(() => promptTokens(modelOf(8), [other])).toThrow("<cat> has rows of shape [2,4], this model takes [n, 3]");
});

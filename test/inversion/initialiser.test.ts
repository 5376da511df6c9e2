import { expect, test } from "vitest";
import { initialise } from "../../functions/inversion/initialiser.ts";
import { templates } from "../../functions/inversion/templates.ts";
import { openClipText, tokenEmbedding } from "../../functions/models/clip-text.ts";
import { openTokenizer } from "../../functions/models/tokenizer.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const text = openClipText(tinySdFolder);
const model = {
  tokenizer: openTokenizer(tinySdFolder),
  embed: (ids: readonly number[]) => text.rows(tokenEmbedding, ids),
};
const words = { caption: "a red mug", className: "cat" };

test("the caption becomes one placeholder per token; the paper keeps its article, the product does not", () => {
  expect(initialise(model, "caption", words, { keepArticle: true }).rows.shape).toEqual([3, 24]);
  const product = initialise(model, "caption", words, { keepArticle: false });
  expect(product.text).toBe("red mug");
  expect(product.rows).toEqual(model.embed(model.tokenizer.encode("red mug")));
});

test("star is one token, stars as many as the caption has, class the class word", () => {
  expect(initialise(model, "star", words, { keepArticle: true }).text).toBe("*");
  const stars = initialise(model, "stars", words, { keepArticle: true });
  expect(stars.text).toBe("* * *");
  expect(new Set(stars.ids).size).toBe(1);
  expect(initialise(model, "class", words, { keepArticle: true }).text).toBe("cat");
});

test("an empty or overlong text is refused with what to do", () => {
  expect(() => initialise(model, "class", { caption: "x", className: " " }, { keepArticle: true })).toThrow(
    /few words/,
  );
  const caption = "red ".repeat(30);
  expect(() => initialise(model, "caption", { caption, className: "mug" }, { keepArticle: true })).toThrow(
    /at most 16/,
  );
});

test("there are 27 templates, each with one place for the concept", () => {
  expect(templates).toHaveLength(27);
  expect(new Set(templates).size).toBe(27);
  for (const template of templates) expect(template.split("{}")).toHaveLength(2);
});

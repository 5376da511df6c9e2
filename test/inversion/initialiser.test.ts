import { expect, test } from "vitest";
import { initialise, initialiserOptions, tellText } from "../../functions/inversion/initialiser.ts";
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

test("the product has rows for what words do not say, the paper has not, and a job has as many as it wants", () => {
  const ofMode = (...of: Parameters<typeof initialiserOptions>) =>
    initialise(model, "caption", words, initialiserOptions(...of)).text;
  expect(ofMode("paper")).toBe("a red mug");
  expect(ofMode("product")).toBe("red mug * *");
  expect(ofMode("product", { moreTokens: 0 })).toBe("red mug");
  expect(ofMode("paper", { moreTokens: 3 })).toBe("a red mug * * *");
});

test("words come before rows of their own where both do not fit", () => {
  const fifteen = { caption: "red ".repeat(15).trim(), className: "mug" };
  expect(model.tokenizer.encode(fifteen.caption)).toHaveLength(15);
  const { ids, text } = initialise(model, "caption", fifteen, { keepArticle: false, moreTokens: 4 });
  expect(ids).toHaveLength(16);
  expect(text).toBe(`${fifteen.caption} *`);
});

test("people read how many rows are more than the words", () => {
  expect(tellText("red mug * *")).toBe("“red mug” and 2 rows more");
  expect(tellText("red mug")).toBe("“red mug”");
  expect(tellText("*")).toBe("“*”");
  expect(tellText("* * *")).toBe("“*”, 3 times");
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

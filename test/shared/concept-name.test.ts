import fc from "fast-check";
import { expect, test } from "vitest";
import { StoreKey } from "../../shared/concept.ts";
import { asciiFileName, ConceptName, conceptName, suggestConceptName } from "../../shared/concept-name.ts";

const valid = (text: string) => ConceptName.safeParse(text).success;

test.each([
  "mycat",
  "a",
  "7up",
  "my-cat_2",
  "ねこ",
  "猫カフェ",
  "cat猫",
  "고양이",
  "кошка",
  "γάτα",
  "ποντίκι",
  "हिन्दी",
  "แมว",
  "قطة",
  "חתול",
  "कप१",
  "café",
  "naïve",
  "straße",
  "ကြောင်",
  "ᐱᓯ",
])("%s is a name", (text) => expect(conceptName(text)).toBe(text));

test.each([
  ["MyCat", "mycat"],
  ["ﬁsh", "fish"],
  ["ℳy", "my"],
  ["ｃａｔ", "cat"],
  ["cafe\u0301", "café"],
  ["ΓΆΤΑ", "γάτα"],
])("%s becomes %s: NFKC and lower case", (text, name) => expect(conceptName(text)).toBe(name));

test.each([
  ["", "is empty"],
  ["my cat", '" "'],
  ["a/b", '"/"'],
  ["<x>", '"<"'],
  ["-cat", "begin with"],
  ["\u0301a", "begin with"],
  ["x".repeat(33), "33 characters"],
  ["😀", "letters, digits"],
  ["a\u200db", "letters, digits"],
  ["ㅤa", "invisible"],
  ["a\u0301\u0302\u0303\u0304\u0305", "accents"],
  ["mуcat", "different scripts"],
  ["сат猫", "different scripts"],
  ["a१", "different scripts"],
  ["сор", 'looks like "cop"'],
  ["mıst", 'looks like "mist"'],
  ["ɑɡe", 'looks like "age"'],
  ["νυ", "looks like"],
  ["оо7", "looks like"],
])("%j is refused because it %s", (text, reason) => {
  expect(() => conceptName(text)).toThrowError(
    expect.objectContaining({ code: "bad_concept", message: expect.stringContaining(reason) }),
  );
});

test("no two look-alike spellings of a Latin word are both names", () => {
  const swaps = { a: "а", c: "с", e: "е", o: "о", p: "р", x: "х", y: "у", i: "і", s: "ѕ", j: "ј" };
  const letter = fc.constantFrom(...(Object.keys(swaps) as (keyof typeof swaps)[]));
  fc.assert(
    fc.property(fc.array(fc.tuple(letter, fc.boolean()), { minLength: 1, maxLength: 8 }), (letters) => {
      const word = letters.map(([latin, swapped]) => (swapped ? swaps[latin] : latin)).join("");
      expect(valid(word)).toBe(letters.every(([, swapped]) => !swapped));
    }),
  );
});

const anyText = fc.string({
  unit: fc
    .nat(0x10ffff)
    .filter((c) => c < 0xd800 || c > 0xdfff)
    .map((c) => String.fromCodePoint(c)),
});

test("any text is refused or becomes a name that stays itself, with its own ASCII file name", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string()), (text) => {
      const parsed = ConceptName.safeParse(text);
      if (!parsed.success) return;
      expect(conceptName(parsed.data)).toBe(parsed.data);
      expect(asciiFileName(parsed.data)).toMatch(/^[a-z0-9][a-z0-9_-]{0,49}$/);
    }),
    { numRuns: 300 },
  );
});

test("file names differ where names do, and none is a device of Windows", () => {
  const names = ["cafe", "café", "кот", "кто", "猫", "犬", "con", "com1", "мост", "-", "a-b"].filter(valid);
  const files = names.map(asciiFileName);
  expect(new Set(files).size).toBe(names.length);
  expect(files).not.toContain("con");
  for (const file of files) expect(StoreKey.safeParse(file).success).toBe(true);
});

test.each([
  ["A red tea-kettle with gold leaf", "red-tea-kettle-with-gold-leaf"],
  ["the Cat.jpg", "cat-jpg"],
  ["!!!", "concept"],
  ["сор", "concept"],
  [" spaced ", "spaced"],
])("%j suggests the name %s", (text, name) => expect(suggestConceptName(text)).toBe(name));

test("any text suggests a name", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(valid(suggestConceptName(text))).toBe(true);
    }),
  );
});

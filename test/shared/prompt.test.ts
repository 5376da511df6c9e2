import fc from "fast-check";
import { expect, test } from "vitest";
import { type PromptPart, parsePrompt, printPrompt, referencesOf } from "../../shared/prompt.ts";

test.each<[string, readonly PromptPart[]]>([
  ["<mycat> in space", [{ concept: { name: "mycat" } }, { text: " in space" }]],
  ["no concept at all", [{ text: "no concept at all" }]],
  ["", []],
  ["<MyCat>", [{ concept: { name: "mycat" } }]],
  [
    "a <ann/mycat> and <bob.b/mycat>",
    [
      { text: "a " },
      { concept: { owner: "ann", name: "mycat" } },
      { text: " and " },
      { concept: { owner: "bob.b", name: "mycat" } },
    ],
  ],
  [
    "<a:0.5> <t:1.2>",
    [{ concept: { name: "a", strength: 0.5 } }, { text: " " }, { concept: { name: "t", strength: 1.2 } }],
  ],
  ["<mycat:0.8>", [{ concept: { name: "mycat", strength: 0.8 } }]],
  ["<mycat:0>", [{ concept: { name: "mycat", strength: 0 } }]],
  ["<mycat:1.0>", [{ concept: { name: "mycat", strength: 1 } }]],
  ["(<ann/mycat:0.8>:1.2)", [{ concept: { owner: "ann", name: "mycat", strength: 0.8, weight: 1.2 } }]],
  [
    "<a*0.6+b*0.4>",
    [
      {
        blend: [
          { name: "a", weight: 0.6 },
          { name: "b", weight: 0.4 },
        ],
      },
    ],
  ],
  [
    "<a + ann/b>",
    [
      {
        blend: [
          { name: "a", weight: 0.5 },
          { owner: "ann", name: "b", weight: 0.5 },
        ],
      },
    ],
  ],
  [
    "<mycat*0.6+a red  dragon*1.5+.. .*.1>",
    [
      {
        blend: [
          { name: "mycat", weight: 0.6 },
          { words: "a red dragon", weight: 1.5 },
          { words: ".. .", weight: 0.1 },
        ],
      },
    ],
  ],
  ["<my-cat_2>", [{ concept: { name: "my-cat_2" } }]],
  ["<ねこ> と", [{ concept: { name: "ねこ" } }, { text: " と" }]],
  [
    "embedding:mycat, embedding:dog.pt.",
    [{ concept: { name: "mycat" } }, { text: ", " }, { concept: { name: "dog" } }, { text: "." }],
  ],
  ["(embedding:mycat:1.2)", [{ concept: { name: "mycat", weight: 1.2 } }]],
  [
    "(a <mycat> hat:1.5) on",
    [
      { text: "a ", weight: 1.5 },
      { concept: { name: "mycat", weight: 1.5 } },
      { text: " hat", weight: 1.5 },
      { text: " on" },
    ],
  ],
  [
    "((very:1.2) old:1.5)",
    [
      { text: "very", weight: 1.8 },
      { text: " old", weight: 1.5 },
    ],
  ],
  [
    "(<a+b>:1.2)",
    [
      {
        blend: [
          { name: "a", weight: 0.5 },
          { name: "b", weight: 0.5 },
        ],
        weight: 1.2,
      },
    ],
  ],
  ["(plain) [words] at 12:30", [{ text: "(plain) [words] at 12:30" }]],
  ["a:) (:", [{ text: "a:) (:" }]],
  ["\\<mycat\\> \\(x:1.2\\) \\\\ \\n", [{ text: "<mycat> (x:1.2) \\ \\n" }]],
  ["i <3 you, a < b, <- <= <>", [{ text: "i <3 you, a < b, <- <= <>" }]],
  ["preembedding:x", [{ text: "preembedding:x" }]],
])("%j is read as its parts", (prompt, parts) => {
  expect(parsePrompt(prompt)).toEqual(parts);
  expect(parsePrompt(printPrompt(parts))).toEqual(parts);
});

test.each([
  ["<lora:style:0.8>", "lora files"],
  ["<hypernet:x:1>", "hypernet files"],
  ["<:smile:123456>", "emoji"],
  ["<a:party:123456>", "emoji"],
  ["<t:1700000000:R>", "mentions"],
  ["</learn:1234>", "mentions"],
  ["<@1234>", "mentions"],
  ["<my cat>", "without spaces"],
  ["<mуcat>", "different scripts"],
  ["<mycat:3>", "to 1.5, got 3; for emphasis write (<mycat>:1.3)"],
  ["<mycat:-1>", "without spaces"],
  ["(x:30)", "0 to 2"],
  ["<a*0.6+b>", "or none"],
  ["<a*x+b>", "blend"],
  ["<+>", "blend"],
  ["<a*0.6>", "2 to 4 parts"],
  ["<a+b+c+d+e>", "2 to 4 parts"],
  ["<a*1.51+b*0.4>", "share goes from 0 to 1.5"],
  ["<a*-1+b*0.4>", "cannot read"],
  ["<a*0+b*0>", "must not all be 0"],
  ["<a:0.7*0.6+b*0.4>", "no other weight"],
  ["<ann/red cat*0.6+b*0.4>", "cannot read"],
  ["<a/b/c>", "<owner/name>"],
  ["embedding:сор", "looks like"],
])("%j is refused because of %s", (prompt, reason) => {
  expect(() => parsePrompt(prompt)).toThrowError(
    expect.objectContaining({ code: "bad_prompt", message: expect.stringContaining(reason) }),
  );
});

test("a prompt of 1,001 characters is too large", () => {
  expect(() => parsePrompt("x".repeat(1001))).toThrowError(expect.objectContaining({ code: "too_large" }));
});

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/);
const weight = fc
  .integer({ min: 0, max: 199 })
  .map((hundredths) => hundredths / 100)
  .filter((w) => w !== 1);
const share = fc.integer({ min: 1, max: 150 }).map((hundredths) => hundredths / 100);
const strength = fc.integer({ min: 0, max: 150 }).map((hundredths) => hundredths / 100);
const maybe = <T>(key: string, value: fc.Arbitrary<T>) =>
  fc.option(value).map((got) => (got === null ? {} : { [key]: got }));
const merge = (...parts: fc.Arbitrary<object>[]) => fc.tuple(...parts).map((all) => Object.assign({}, ...all));
const reference = merge(
  name.map((text) => ({ name: text })),
  maybe("owner", fc.stringMatching(/^[A-Za-z0-9_.]{1,9}$/)),
);
const special = fc.constantFrom(
  "<",
  ">",
  "(",
  ")",
  "\\",
  ":",
  ":1.2)",
  "embedding:x",
  "a",
  " ",
  "é",
  "猫",
  "\n",
  "<x>",
  "1",
);
const text = fc.array(special, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
const part = fc.oneof(
  merge(
    text.map((t) => ({ text: t })),
    maybe("weight", weight),
  ),
  merge(reference, maybe("weight", weight), maybe("strength", strength)).map((concept) => ({ concept })),
  merge(
    fc
      .array(
        merge(
          reference,
          share.map((w) => ({ weight: w })),
        ),
        { minLength: 2, maxLength: 4 },
      )
      .map((blend) => ({ blend })),
    maybe("weight", weight),
  ),
) as fc.Arbitrary<PromptPart>;

test("printing and parsing any parts gives them back", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const printed = printPrompt(parts);
      fc.pre(printed.length <= 1000);
      const parsed = parsePrompt(printed);
      expect(parsePrompt(printPrompt(parsed))).toEqual(parsed);
      const plain = (all: readonly PromptPart[]) => all.map((p) => ("text" in p ? p.text : "\u0001")).join("");
      expect(plain(parsed)).toBe(plain(parts));
      expect(referencesOf(parsed)).toEqual(referencesOf(parts));
    }),
    { numRuns: 300 },
  );
});

test("any text is parts or a refusal, never anything else", () => {
  const noise = fc
    .array(fc.oneof(special, fc.string({ maxLength: 5 })), { maxLength: 30 })
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(noise, (prompt) => {
      try {
        parsePrompt(prompt);
      } catch (error) {
        expect(error).toMatchObject({ name: "UserError" });
      }
    }),
    { numRuns: 500 },
  );
});

test("the worst nesting is read in no time", () => {
  const began = performance.now();
  for (const prompt of [
    "(".repeat(1000),
    `${"(".repeat(180)}${":1.1)".repeat(160)}`,
    "<".repeat(1000),
    "embedding:".repeat(100),
    "\\".repeat(1000),
  ]) {
    try {
      parsePrompt(prompt);
    } catch {}
  }
  expect(performance.now() - began).toBeLessThan(1000);
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { type OpenedModel, openModel } from "../../functions/models/open-model.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { type FindRows, promptContext } from "../../functions/tasks/prompt-context.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { UserError } from "../../shared/error.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = spawnEngine({ preset: "lean", providers: ["cpu"], threads: 1 });
let model: OpenedModel;

beforeAll(() => {
  model = openModel("tiny", tinySdFolder, engine);
});
afterAll(() => engine.close());

/** Of different lengths, on purpose. */
const taught = new Map([
  ["mycat", 3],
  ["wyvern", 1],
]);
const findRows: FindRows = async ({ name }) => {
  const count = taught.get(name);
  if (count === undefined) throw new UserError("not_found", `Nobody has taught <${name}>.`);
  const data = Float32Array.from({ length: count * model.width }, (_, i) => Math.sin(i + name.length) / 10);
  return tensor(data, [count, model.width]);
};
const contextOf = async (prompt: string) => (await promptContext(model, parsePrompt(prompt), findRows)).context.data;

const mix = (shares: readonly number[], contexts: readonly Float32Array[]) =>
  contexts[0]?.map((_, i) => contexts.reduce((sum, data, j) => sum + (shares[j] ?? 0) * (data[i] ?? 0), 0));

test.each([
  ["a <mycat*0.6+wyvern*0.4> in a hat", [0.6, 0.4], ["a <mycat> in a hat", "a <wyvern> in a hat"]],
  ["a <mycat*1.5+wyvern*0.5> in a hat", [0.75, 0.25], ["a <mycat> in a hat", "a <wyvern> in a hat"]],
  ["a <mycat+cat> in a hat", [0.5, 0.5], ["a <mycat> in a hat", "a cat in a hat"]],
  ["<mycat*0.2+a cat*0.8>", [0.2, 0.8], ["<mycat>", "a cat"]],
])(
  "the context of %s is the mean of the prompts with each part in place, shares made to sum to one",
  async (prompt, shares, plain) => {
    const [blended, ...contexts] = [await contextOf(prompt)].concat(await Promise.all(plain.map(contextOf)));
    const expected = mix(shares, contexts) as Float32Array;
    expect(blended?.every((x, i) => Math.abs(x - (expected[i] as number)) < 1e-5)).toBe(true);
    expect(contexts[0]).not.toEqual(contexts[1]);
  },
);

test("a concept that has a word for a name goes before the word", async () => {
  taught.set("cat", 2);
  const asConcept = await contextOf("<cat+wyvern>");
  taught.delete("cat");
  expect(await contextOf("<cat+wyvern>")).not.toEqual(asConcept);
});

test("a name that became a plain word is told", async () => {
  const { notes } = await promptContext(model, parsePrompt("<cat*0.6+wyvern*0.4> <cat+mycat>"), findRows);
  expect(notes).toEqual(["Nobody you can see has taught <cat>: its part of the blend is the plain word."]);
});

test("a misspelt concept in a blend is refused with the library's advice, never spelt out", async () => {
  await expect(contextOf("<mycta*0.6+wyvern*0.4>")).rejects.toMatchObject({
    code: "bad_prompt",
    message: expect.stringMatching(/does not know "mycta".*Nobody has taught <mycta>/),
  });
  await expect(contextOf("<ann/cat+wyvern>")).rejects.toMatchObject({ code: "not_found" });
});

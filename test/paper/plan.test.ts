import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tensor } from "../../functions/tensor/tensor.ts";
import { openHeldOut } from "../check-model/gallery.ts";
import { type Arm, parts, planJudged, planRuns, startArms } from "./plan.ts";
import { rightCaption } from "./right-captions.ts";
import { learnInput } from "./run.ts";
import { initialRows, knownSubjects, starPercentile } from "./starts.ts";
import { keyOf } from "./store.ts";
import { withMissed } from "./with-missed.ts";

test("a run of three pictures learns from the first and two more, one of one from the first alone", () => {
  const model = {
    tokenizer: { encode: () => [1], length: 77 },
    embed: (ids: readonly number[]) => tensor(new Float32Array(ids.length), [ids.length, 1]),
  } as never;
  const thing = {
    picture: "first",
    more: ["second", "third", "fourth", "fifth"],
    words: { caption: "a cat" },
  } as never;
  const asked = (pictures?: number) =>
    learnInput(model, { mode: "paper", arm: "caption", improvements: {}, pictures } as never, thing);
  expect(asked(3)).toMatchObject({ picture: "first", morePictures: ["second", "third"] });
  expect(asked()).toMatchObject({ picture: "first", morePictures: [] });
});

test("a run that stopped early has at the looks it missed what it had at its end", () => {
  const look = (step: number, seconds: number, strength = 1) => ({ step, seconds, strength });
  const looked = [look(0, 0), look(50, 2), look(100, 3), look(100, 3, 0.5)];
  const filled = [look(0, 0), look(50, 2), look(75, 3), look(100, 3), look(100, 3, 0.5)];
  expect(withMissed(looked, [75], look(100, 3))).toEqual(filled);
  expect(withMissed(filled, [], look(100, 3))).toEqual(filled);
});

test("the confounds' starts are as long as the caption, or one row, and say something else", () => {
  // One token a word; a row is its id and 1.
  const words = [...new Set([...knownSubjects, "a blue cat", "emoji", "*"].flatMap((text) => text.split(" ")))];
  const encode = (text: string) => text.split(" ").map((word) => words.indexOf(word));
  const model = {
    tokenizer: { encode, length: 77 },
    embed: (ids: readonly number[]) => tensor(Float32Array.from(ids.flatMap((id) => [id, 1])), [ids.length, 2]),
    width: 2,
  } as never;
  const thing = {
    words: { caption: "a blue cat", className: "dog", clickedClass: "cat", rightCaption: "a blue rabbit" },
  } as never;
  const start = (arm: Arm) => initialRows(model, { arm, mode: "paper" }, thing);
  expect(startArms.map((arm) => start(arm).rows.shape[0])).toEqual([1, 1, 1, 1, 3, 3, 3, 3, 3]);
  expect(start("right caption").text).toBe("a blue rabbit");
  const wrong = start("wrong caption").text.split(" ");
  expect(wrong[0]).toBe("a");
  expect(wrong[1]).not.toBe("blue");
  expect(knownSubjects.filter((word) => word !== "cat")).toContain(wrong[2]);
  expect(start("random words").text).toBe(start("random words").text);
  const ids = [...new Set(knownSubjects.flatMap(encode))];
  const mean = start("mean row").rows.data;
  expect(mean[0]).toBeCloseTo(ids.reduce((sum, id) => sum + id, 0) / ids.length, 3);
  expect(mean[1]).toBeCloseTo(1);
  // `*` is the last of the words, and the longest row.
  expect(starPercentile(model)).toBe(1);
});

test("every held-out thing has a right caption in words that the model knows", async () => {
  const { things } = await openHeldOut();
  const vocabulary: { words: string[] } = JSON.parse(
    readFileSync(join(import.meta.dirname, "..", "..", "functions/assets/emoji-64/vocabulary.json"), "utf8"),
  );
  const words = things.flatMap((thing) => rightCaption(thing).split(" "));
  expect(words.filter((word) => !vocabulary.words.includes(word))).toEqual([]);
  expect(rightCaption({ name: "dotted blue faces cat", group: "instances: dotted blue faces" })).toBe("a blue cat");
});

test("a result is of its settings, words and weights: one changed, it is another", () => {
  const run = { thing: "a", arm: "caption", variant: "paper" } as never;
  const known = { modelHash: "m", thingDigest: "t", start: "red mug", options: { steps: 100, seed: 0 } as never };
  const keys = [
    keyOf(run, known),
    keyOf(run, { ...known, modelHash: "n" }),
    keyOf(run, { ...known, options: { steps: 100, seed: 0, finalRateShare: 0.1 } as never }),
    keyOf({ ...(run as object), arm: "star" } as never, known),
    keyOf(run, { ...known, start: "red mug * *" }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(keyOf(run, { ...known, options: { seed: 0, steps: 100 } as never })).toBe(keys[0]);
});

test("the full plan holds every setting once for each picture and seed, and no run twice", () => {
  const options = { things: ["a", "b"], seeds: 2, steps: 400 };
  const plan = planRuns(new Set(parts), options);
  for (const runs of [plan, planJudged(new Set(parts), options)]) {
    expect(new Set(runs.map((one) => JSON.stringify(one))).size).toBe(runs.length);
  }
  // Two settings × two seeds, three initialisers beside, and three of three and five pictures each.
  expect(planJudged(new Set(parts), options)).toHaveLength(2 * (4 + 3 + 6));
  const paperRuns = plan.filter(({ variant, arm }) => variant === "paper" && !arm.startsWith("stars "));
  expect(paperRuns).toHaveLength(2 * 2 * 4 + 2);
});

import { expect, test } from "vitest";
import { maskFrom, resizeMask } from "../../functions/tensor/mask.ts";
import { describePicture } from "../../functions/vision/describe-picture.ts";
import { createGrabCut } from "../../functions/vision/grab-cut.ts";
import { createRefine } from "../../functions/vision/refine-mask.ts";
import type { Segment, Segmenter, Vision } from "../../functions/vision/vision.ts";
import { readPhotographs } from "../photos/photographs.ts";

const side = 32;
const picture = { width: side, height: side, data: new Uint8Array(side * side * 3).fill(120) };
const click = { x: 0.5, y: 0.5 };
const mask = maskFrom(
  Array.from({ length: side * side }, (_, i) => Number(Math.hypot((i % side) - 16, Math.floor(i / side) - 16) < 8)),
  side,
  side,
);
const classes = ["cat", "dog", "fox", "bear", "lion", "pig", "cow"];

/** Sees a disc, says `caption`, and gives the first class `score`. */
const seeing = (caption: string, score: number, sureAbove: number): Vision => ({
  segmenter: { encode: async () => async () => [{ level: "object", mask, score: 0.9 }] },
  captioner: { caption: async () => ({ text: caption, confidence: 0.5 }) },
  classifier: {
    sureAbove,
    classify: async (_, count) =>
      classes.map((label, i) => ({ label, score: i === 0 ? score : (1 - score) / 6 })).slice(0, count),
  },
});
const look = async (caption: string, score: number, sureAbove: number) =>
  (await describePicture(seeing(caption, score, sureAbove), picture, { click, level: "object" }))[0];

test.each([
  ["the classifier is sure and the captioner says the same", "a red cat", 0.95, 0.9, true],
  ["the classifier is not sure", "a red cat", 0.85, 0.9, false],
  ["the captioner says something else", "a red mug", 0.95, 0.9, false],
  ["the classifier's scores tell nothing", "a mug with dots", 0.1, 0, true],
])("where %s, what it is is told as a fact or as a guess", async (_, caption, score, above, sure) => {
  expect((await look(caption, score, above))?.sure).toBe(sure);
});

test("who knows drawings alone is never sure of a photograph", async () => {
  const [cat] = await readPhotographs();
  if (!cat) throw new Error("no photograph");
  for (const drawingsOnly of [true, false]) {
    const vision = seeing("a red cat", 0.95, 0.9);
    const classifier = { ...vision.classifier, drawingsOnly };
    const segmenter = { encode: async () => async () => [{ level: "object" as const, mask: cat.mask, score: 0.9 }] };
    const asked = { click, level: "object" } as const;
    const [thing] = await describePicture({ ...vision, classifier, segmenter }, cat.picture, asked);
    expect(thing?.sure).toBe(!drawingsOnly);
    expect(thing?.initialiser, "what its word starts from").toBe(drawingsOnly ? "stars" : "caption");
    const drawing = await describePicture({ ...vision, classifier }, picture, asked);
    expect(drawing[0], "a drawing").toMatchObject({ sure: true, initialiser: "caption" });
  }
});

test("every look at a photograph is by the network that knows photographs, with a click and without", async () => {
  const [cat] = await readPhotographs();
  if (!cat) throw new Error("no photograph");
  const asked: (boolean | undefined)[] = [];
  const vision = seeing("a red cat", 0.95, 0.9);
  const segmenter: Segmenter = {
    encode: async ({ width, height }, photograph) => {
      asked.push(photograph);
      const whole = maskFrom(new Uint8Array(width * height).fill(1, 0, (width * height) / 2), width, height);
      return async () => [{ level: "object", mask: whole, score: 0.9 }];
    },
  };
  const refine = createRefine({ shown: segmenter, seeds: segmenter }, createGrabCut(), 0.5);
  for (const one of [cat.picture, picture]) {
    for (const at of [click, undefined])
      await describePicture({ ...vision, segmenter, refine }, one, { click: at, level: "object" });
    expect(asked.length).toBeGreaterThan(2);
    expect(new Set(asked)).toEqual(new Set([one === cat.picture]));
    asked.length = 0;
  }
});

test("six words come with the captions they make: the caption's own first, its colour kept, none twice", async () => {
  const mug = await look("a shiny red mug", 0.5, 0.9);
  expect(mug?.words.map(({ word }) => word)).toEqual(["mug", "cat", "dog", "fox", "bear", "lion"]);
  expect(mug?.words[1]).toEqual({ word: "cat", caption: "a shiny red cat", score: 0.5 });
  const fox = await look("an orange fox", 0.5, 0.9);
  expect(fox?.words.map(({ word }) => word)).toEqual(["fox", "cat", "dog", "bear", "lion", "pig"]);
  expect(fox?.words[2]?.caption).toBe("an orange dog");
});

test("things that turn out to be one when their masks are refined are told once, the first of them", async () => {
  const half = (left: boolean) =>
    maskFrom(
      mask.data.map((inside, i) => Number(inside && i % side < 16 === left)),
      side,
      side,
    );
  const vision: Vision = {
    ...seeing("a red cat", 0.95, 0.9),
    segmenter: {
      encode:
        async ({ width, height }) =>
        async (at) => {
          const one = resizeMask(half(at.x < 0.5), width, height);
          return [
            { level: "object", mask: one, score: 0.4 },
            { level: "part", mask: resizeMask(mask, width, height), score: 0.9 },
          ];
        },
    },
  };
  const refine: Vision["refine"] = async (_, segment) => ({ ...segment, mask });
  for (const at of [undefined, { x: 0.4, y: 0.5 }]) {
    const asked = { click: at, level: "object" } as const;
    expect(await describePicture(vision, picture, asked), "as they are found").toHaveLength(2);
    const refined = await describePicture({ ...vision, refine }, picture, asked);
    expect(refined.map(({ level }) => level)).toEqual(["object"]);
  }
});

test("a mask that holds the whole picture is no thing at the click: none could be learned from it", async () => {
  const whole = maskFrom(new Uint8Array(side * side).fill(1), side, side);
  const vision = (others: readonly Segment[]): Vision => ({
    ...seeing("a red cat", 0.95, 0.9),
    segmenter: { encode: async () => async () => [{ level: "object", mask: whole, score: 0.9 }, ...others] },
  });
  const asked = { click, level: "object" } as const;
  const things = await describePicture(vision([{ level: "part", mask, score: 0.5 }]), picture, asked);
  expect(things.map(({ level }) => level)).toEqual(["part"]);
  await expect(describePicture(vision([]), picture, asked)).rejects.toMatchObject({ code: "not_found" });
});

test("a search without a click stops at the next point once it is told to", async () => {
  const controller = new AbortController();
  let looks = 0;
  const segmenter: Segmenter = {
    encode: async () => async () => {
      looks += 1;
      if (looks === 3) controller.abort(new Error("stopped"));
      return [{ level: "object", mask, score: 0.9 }];
    },
  };
  const vision = { ...seeing("a red cat", 0.95, 0.9), segmenter };
  const searching = describePicture(vision, picture, { level: "object", signal: controller.signal });
  await expect(searching).rejects.toThrow("stopped");
  expect(looks).toBe(3);
});

test("people are shown a thing without specks, whichever network found it", async () => {
  const ragged = {
    ...mask,
    data: mask.data.map((inside, i) => (i === 3 || i === side * 16 + 16 ? 1 - inside : inside)),
  };
  const segmenter: Segmenter = { encode: async () => async () => [{ level: "object", mask: ragged, score: 0.9 }] };
  const vision = { ...seeing("a red cat", 0.95, 0.9), segmenter };
  const [thing] = await describePicture(vision, picture, { click, level: "object" });
  expect(thing?.mask).toEqual(mask);
});

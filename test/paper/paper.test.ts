import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { epsilonShare, readerOf } from "../../functions/diffusion/denoiser.ts";
import { levelAt } from "../../functions/diffusion/noise-levels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { openHeldOut } from "../check-model/gallery.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";
import { findConfounds, findStarts } from "./confound-findings.ts";
import { compare, findCatching, findVariants } from "./findings.ts";
import { findJudgedClaims, type JudgedClaim, type JudgedRow, throughEnd } from "./judged-findings.ts";
import { paper } from "./paper.ts";
import { findPictureClaims } from "./picture-findings.ts";
import { type Arm, type Part, parts, planJudged, planRuns, startArms, startVariant } from "./plan.ts";
import { rightCaption } from "./right-captions.ts";
import { learnInput } from "./run.ts";
import { initialRows, knownSubjects, starPercentile } from "./starts.ts";
import { type JudgedResult, keyOf, type RunResult } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "paper-"));
// The cache as someone with LPIPS has it, but for the weights, which are random.
mkdirSync(join(folder, "cache", "metrics"), { recursive: true });
const lpips = "lpips-alex.safetensors";
copyFileSync(join(import.meta.dirname, "..", "golden", "metrics", lpips), join(folder, "cache", "metrics", lpips));
const run = async () => {
  const counted = { total: 0, made: 0 };
  const made = await paper({
    ...{ model: tinySdFolder, folder, pictures: 2, judgedPictures: 1, seeds: 1, steps: 2 },
    parts: new Set<Part>(["figures", "judged", "pictures"]),
    hub: { endpoint: "http://127.0.0.1:9", cache: join(folder, "cache") },
    // The random checkpoint's tokenizer knows few words: captions of a real one do not fit.
    describe: () => Promise.resolve({ caption: "a cat", className: "cat", clickedClass: "cat" }),
    start: (total) => {
      counted.total = total;
    },
    progress: (steps) => {
      counted.made += steps;
    },
  });
  return { ...made, counted };
};
let first: Awaited<ReturnType<typeof run>>;

// Every part that draws, on a machine that may be busy.
const patience = 240_000;
beforeAll(async () => {
  first = await run();
}, patience);
afterAll(() => rmSync(folder, { recursive: true }));

test("the page is whole: every figure, claim and picture is in it, and nothing is loaded from elsewhere", () => {
  expect(first.html).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
  expect(first.html.match(/<figure>/g)?.length).toBe(first.figures.length);
  for (const claim of ["caption below class", "* × n below *", "another picture's concept", "Table A.1"]) {
    expect(first.html).toContain(claim);
  }
  // Two pictures with their masks, each drawn from five initialisers.
  expect(first.html.match(/src="data:image\/png;base64,/g)?.length).toBe(12);
  expect(first.html).not.toMatch(/(?:src|href)="(?!data:)/);
});

test("what is drawn is measured by the metrics whose weights are at hand, each under its own name", () => {
  const { distances, missing } = JSON.parse(first.json);
  expect(distances.map(({ metric, arm }: { metric: string; arm: string }) => `${metric}, ${arm}`)).toEqual(
    ["star", "class", "class, clicked", "caption", "stars"].map((arm) => `LPIPS v0.1 (AlexNet), ${arm}`),
  );
  expect(missing.join()).not.toContain("LPIPS");
  expect(first.html).toContain("LPIPS v0.1 (AlexNet)");
});

test("progress tells every step and look of the plan", () => {
  const [measured, judged, slider, several] = [2 * 5 * (2 + 2 * 12), 5 * (2 + 2 * 18), 3 * 18, 6 * (2 + 18)];
  const total = measured + judged + slider + several;
  expect(first.counted).toEqual({ total, made: total });
});

test("a judge sees every setting at every look, and the product's slider", () => {
  const { judged, claims } = JSON.parse(first.json) as { judged: JudgedRow[]; claims: [string, JudgedClaim[]][] };
  const seen = judged.map(({ variant, arm, step, strength }) => `${variant}, ${arm}: ${step} × ${strength}`);
  for (const each of ["paper, caption", "product, caption", "paper, star", "paper, class", "paper, stars"]) {
    expect(seen).toContain(`${each}: 0 × 1`);
    expect(seen).toContain(`${each}: 2 × 1`);
  }
  expect(seen.filter((name) => !name.endsWith("× 1"))).toHaveLength(3);
  for (const { measures } of judged) expect(measures.identity.mean).toBeLessThanOrEqual(1.001);
  const verdicts = claims.flatMap(([, of]) => of.map(({ verdict }) => verdict));
  expect(verdicts.length).toBeGreaterThan(0);
  for (const verdict of verdicts) expect(["holds", "undecided", "does not hold"]).toContain(verdict);
  expect(first.figures.map(([id]) => id)).toContain("frontier");
});

test("concepts of several pictures are drawn at their end and stand beside those of one", () => {
  const { judged, claims } = JSON.parse(first.json) as { judged: JudgedRow[]; claims: [string, JudgedClaim[]][] };
  const several = judged.filter(({ variant }) => variant.endsWith(" pictures"));
  expect(several.map(({ variant, arm, step }) => `${variant}, ${arm}: ${step}`)).toEqual([
    ...["paper, 3 pictures, star: 2", "paper, 3 pictures, caption: 2", "product, 3 pictures, caption: 2"],
    ...["paper, 5 pictures, star: 2", "paper, 5 pictures, caption: 2", "product, 5 pictures, caption: 2"],
  ]);
  expect(claims.map(([title]) => title)).toContain("One picture or several");
  expect(first.figures.map(([id]) => id)).toContain("pictures-identity");
});

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

test("a concept of several pictures is set beside the same thing's and seed's of one", () => {
  const result = (variant: string, arm: string, thing: string, seed: number, likeness: number): JudgedResult => {
    const [mode, pictures] = variant.split(", ");
    const seen = [{ asked: "scene", followed: true, nearest: true, nearestInFour: true, likeness }];
    return {
      run: {
        variant,
        mode,
        arm,
        thing,
        seed,
        steps: 100,
        ...(pictures && { pictures: Number.parseInt(pictures, 10) }),
      },
      looks: [{ step: 100, strength: 1, seconds: 1, variety: 0, seen }],
    } as never;
  };
  const results = ["a", "b"].flatMap((thing) => [
    result("paper", "caption", thing, 0, 0.5),
    // Another seed has no run of several pictures.
    result("paper", "caption", thing, 1, 0.1),
    ...[result("paper", "star", thing, 0, 0.2), result("paper, 5 pictures", "star", thing, 0, 0.4)],
  ]);
  const claims = findPictureClaims(results);
  const of = (end: string) => claims.find(({ claim }) => claim === `identity: ${end}`);
  expect(of("caption, paper: of one picture less * of 5 pictures")?.difference.mean).toBeCloseTo(0.1);
  expect(of("*, paper: of 5 pictures less of one picture")).toMatchObject({ verdict: "holds", pictures: 2 });
  expect(of("caption, paper: of 5 pictures less of one picture")).toBeUndefined();
  expect(findPictureClaims(results.filter(({ run }) => run.pictures === undefined))).toEqual([]);
});

test("a run that stopped early has at later steps what it had at its end", () => {
  const look = (step: number, seconds: number) => ({ step, seconds, strength: 1, variety: 0, seen: [] });
  const run = { variant: "product", steps: 100, seed: 0 } as never;
  const stopped = { key: "a", run, looks: [look(0, 0), look(50, 2), look(100, 3), { ...look(100, 3), strength: 0.5 }] };
  const whole = { key: "b", run, looks: [look(0, 0), look(50, 2), look(75, 3), look(85, 4), look(100, 5)] };
  const further = { key: "c", run: { variant: "product", steps: 100, seed: 1 } as never, looks: [look(100, 5)] };
  const [first, second, third] = throughEnd([stopped, whole, further]);
  const ends = [look(100, 3), { ...look(100, 3), strength: 0.5 }];
  expect(first?.looks).toEqual([look(0, 0), look(50, 2), look(75, 3), look(85, 3), ...ends]);
  expect(second).toEqual(whole);
  // A seed that is looked at less often has no looks made up.
  expect(third).toEqual(further);
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

test("confounds are told of their own runs, and a start's worth is apart from what is learned", () => {
  const result = (variant: string, arm: Arm, before: number, after: number): RunResult =>
    ({
      run: { variant, arm, thing: "a" },
      points: [before, after].map((counterfactual, i) => ({ step: i * 100, report: 0, counterfactual })),
    }) as never;
  const own = [result(startVariant, "caption", 0.5, 0.2), result(startVariant, "wrong caption", 0.9, 0.6)];
  const results = [...own, result("paper", "wrong caption", 0, 0)];
  expect(findStarts(results)).toEqual([
    { arm: "caption", before: 0.5, after: 0.2 },
    { arm: "wrong caption", before: 0.9, after: 0.6 },
  ]);
  const told = findConfounds(results).filter(({ measure }) => measure === "counterfactual");
  expect(told).toMatchObject([{ claim: expect.stringContaining("something else"), wins: 1, verdict: "holds" }]);
  expect(told[0]?.difference.mean).toBeCloseTo(0.4);
  expect(findConfounds(results.slice(2))).toEqual([]);
});

test("an interrupted plan goes on with what was finished, to the same findings", { timeout: patience }, async () => {
  const runs = join(folder, "runs");
  const stored = readdirSync(runs);
  expect(stored).toHaveLength(10);
  rmSync(join(runs, stored[3] as string));
  const again = await run();
  expect(again.json).toBe(first.json);
  expect(again.html).toBe(first.html);
  expect(readdirSync(runs).toSorted()).toEqual(stored.toSorted());
});

test("a v error times its share is the error of the noise it implies", () => {
  const model = { alphasCumprod: Float64Array.of(0.9, 0.5, 0.1), prediction: "v_prediction" } as const;
  const x = tensor(Float32Array.of(0.3), [1]);
  for (const timestep of [0, 1, 2]) {
    const noiseOf = (v: number) =>
      readerOf(model)(tensor(Float32Array.of(v), [1]), x, levelAt({ ...model, scheduler: {} } as never, timestep))
        .epsilon.data[0] as number;
    const error = (noiseOf(1.5) - noiseOf(0.25)) ** 2;
    expect(error).toBeCloseTo(1.25 ** 2 * epsilonShare(model, timestep), 5);
  }
  expect(epsilonShare({ ...model, prediction: "epsilon" }, 2)).toBe(1);
});

test("a claim holds only where its interval excludes zero", () => {
  const losses = (...values: number[]) => new Map(values.map((value, i) => [String(i), value]));
  expect(compare("a", "report", losses(1, 2, 3), losses(2, 3, 4))).toMatchObject({ verdict: "holds", wins: 3 });
  expect(compare("a", "report", losses(2, 3, 4), losses(1, 2, 3))).toMatchObject({ verdict: "does not hold", wins: 0 });
  expect(compare("a", "report", losses(1, 4, 1), losses(2, 3, 1))).toMatchObject({ verdict: "undecided" });
});

test("pictures that the caption wins before the first step are counted apart from those it learns", () => {
  const result = (thing: string, arm: "caption" | "star", losses: readonly number[]): RunResult =>
    ({
      run: { thing, arm, variant: "paper", steps: 10 },
      points: losses.map((counterfactual, i) => ({ step: i * 10, report: 0, counterfactual })),
    }) as never;
  const results = [
    ...[result("a", "caption", [1, 0]), result("a", "star", [4, 2])],
    ...[result("b", "caption", [3, 1]), result("b", "star", [4, 2])],
    ...[result("d", "caption", [3, 1]), result("d", "star", [4, 2])],
    ...[result("c", "caption", [5, 3]), result("c", "star", [4, 2])],
  ];
  const caught = findCatching(results, "paper", "star");
  expect(caught).toEqual({ target: "star", steps: 10, atStart: 1, never: 1, median: 5 });
});

test("settings are compared with the paper's at the same number of steps, picture by picture", () => {
  const result = (variant: string, thing: string, loss: number): RunResult =>
    ({
      ...{ run: { variant, thing, arm: "caption" }, normRatio: 1, cosine: 0.5 },
      points: [
        { step: 0, report: 9, counterfactual: 9 },
        { step: 100, report: loss, counterfactual: 6 - loss },
      ],
    }) as never;
  const results = ["a", "b"].flatMap((thing, i) => [
    result("paper, 100 steps", thing, 2 + i),
    result("paper + direction, 100 steps", thing, 1 + i),
    result("product at 50 steps", thing, 2 + i),
    result("paper", thing, 0),
  ]);
  expect(findVariants(results, "paper, 100 steps")).toMatchObject([
    { variant: "paper, 100 steps", gain: { report: { verdict: "undecided" } } },
    { gain: { report: { verdict: "holds", wins: 2 }, counterfactual: { verdict: "does not hold", wins: 0 } } },
    { variant: "product at 50 steps", report: { mean: 2.5 } },
  ]);
});

test("equal time is the product's last look that costs no more than all of the paper's, and failures count beyond step 0's", () => {
  const look = (step: number, seconds: number, followed: boolean, identity: number) => ({
    ...{ step, seconds, strength: 1, variety: 0 },
    seen: [{ asked: "scene", followed, nearest: true, nearestInFour: true, likeness: identity }],
  });
  const result = (variant: string, thing: string, looks: readonly unknown[]): JudgedResult =>
    ({ run: { variant, thing, arm: "caption", steps: 100 }, looks }) as never;
  const results = ["a", "b", "c"].flatMap((thing) => [
    result("paper", thing, [look(0, 0, true, 0.3), look(50, 2, true, 0.5), look(100, 4, false, 0.6)]),
    result("product", thing, [
      look(0, 0, true, 0.3),
      look(50, 2.4, true, 0.5),
      look(75, 3.6, true, 0.7),
      look(100, 4.8, false, 0.9),
    ]),
  ]);
  const claims = findJudgedClaims(results);
  const of = (start: string) => claims.find(({ claim }) => claim.startsWith(start));
  expect(of("failures")).toMatchObject({ difference: { mean: 1 }, verdict: "holds", pictures: 3 });
  expect(of("failures")?.claim).toContain("product at step 75 (3.6 s)");
  expect(of("identity: product at step 75")?.difference.mean).toBeCloseTo(0.1);
  expect(of("identity: product at step 50")).toMatchObject({ verdict: "does not hold" });
  expect(of("prompt followed: product at step 50")).toMatchObject({ difference: { mean: 1 }, verdict: "holds" });
  expect(findJudgedClaims(results.filter(({ run }) => run.variant === "paper"))).toEqual([]);
});

test("a result is of its settings and weights: either changed, it is another", () => {
  const run = { thing: "a", arm: "caption", variant: "paper" } as never;
  const known = { modelHash: "m", thingDigest: "t", options: { steps: 100, seed: 0 } as never };
  const keys = [
    keyOf(run, known),
    keyOf(run, { ...known, modelHash: "n" }),
    keyOf(run, { ...known, options: { steps: 100, seed: 0, finalRateShare: 0.1 } as never }),
    keyOf({ ...(run as object), arm: "star" } as never, known),
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

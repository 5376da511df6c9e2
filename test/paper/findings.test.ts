import { expect, test } from "vitest";
import { epsilonShare, readerOf } from "../../functions/diffusion/denoiser.ts";
import { levelAt } from "../../functions/diffusion/noise-levels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { findConfounds, findStarts } from "./confound-findings.ts";
import { compare, findCatching, findVariants } from "./findings.ts";
import { findJudgedClaims } from "./judged-findings.ts";
import { findPictureClaims } from "./picture-findings.ts";
import { type Arm, startVariant } from "./plan.ts";
import type { JudgedResult, RunResult } from "./store.ts";

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
  const result = (thing: string, arm: "caption" | "star", losses: readonly number[], variant = "paper"): RunResult =>
    ({
      run: { thing, arm, variant, steps: 10 },
      points: losses.map((counterfactual, i) => ({ step: i * 10, report: 0, counterfactual })),
    }) as never;
  const results = [
    ...[result("a", "caption", [1, 0]), result("a", "star", [4, 2])],
    ...[result("b", "caption", [3, 1]), result("b", "star", [4, 2])],
    ...[result("d", "caption", [3, 1]), result("d", "star", [4, 2])],
    ...[result("c", "caption", [5, 3]), result("c", "star", [4, 2])],
    result("c", "caption", [5, 0], "product"),
  ];
  const star = { variant: "paper", arm: "star" } as const;
  const caught = findCatching(results, "paper", star);
  expect(caught).toEqual({
    variant: "paper",
    target: "star",
    steps: 10,
    atStart: 1,
    never: 1,
    rest: { median: 5, low: 0, high: Infinity },
  });
  // Another setting's caption is held against the same goal.
  expect(findCatching(results, "product", star)).toMatchObject({ variant: "product", never: 0, rest: { median: 6 } });
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

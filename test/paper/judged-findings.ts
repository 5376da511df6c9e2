import { bootstrapInterval, type Interval } from "../../functions/metrics/bootstrap-interval.ts";
import { type Arm, productSteps } from "./plan.ts";
import type { JudgedResult } from "./store.ts";

type Look = JudgedResult["looks"][number];

/** What a judge sees of one arm at one step, means over pictures of the means over their seeds. Shares are 0–1. */
export interface JudgedRow {
  readonly variant: string;
  readonly arm: Arm;
  readonly step: number;
  readonly strength: number;
  /** Learning alone, lower quartile over runs: other work on the machine only adds, and a run that stops early is no measure. */
  readonly seconds: number;
  readonly pictures: number;
  readonly measures: Readonly<Record<JudgedMeasure, Interval>>;
}

/** `followed`: scene or background colour as asked; `identity`: likeness to the thing's likeliest true picture elsewhere. */
export const judgedMeasures = ["followed", "identity", "nearest", "nearestInFour", "variety"] as const;
export type JudgedMeasure = (typeof judgedMeasures)[number];

/** Of a table's cell; claims take the bootstrap's own number. */
const resamples = 1_000;

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const lowerQuartile = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 2] as number;

/** Identity is told in the scenes: what is true elsewhere is drawn in scenes, too. */
const scenesOf = ({ seen }: Look) => seen.filter(({ asked }) => asked === "scene");
const read: Readonly<Record<JudgedMeasure, (look: Look) => number>> = {
  followed: ({ seen }) => mean(seen.map(({ followed }) => Number(followed))),
  identity: (look) => mean(scenesOf(look).map((one) => one.likeness)),
  nearest: (look) => mean(scenesOf(look).map((one) => Number(one.nearest))),
  nearestInFour: (look) => mean(scenesOf(look).map((one) => Number(one.nearestInFour))),
  variety: ({ variety }) => variety,
};

export interface Which {
  readonly variant: string;
  readonly arm: Arm;
  readonly step: number;
  readonly strength?: number;
}

const looksOf = (results: readonly JudgedResult[], { variant, arm, step, strength = 1 }: Which) =>
  results
    .filter(({ run }) => run.variant === variant && run.arm === arm)
    .flatMap(({ run, looks }) => {
      const look = looks.find((one) => one.step === step && one.strength === strength);
      return look ? [{ thing: run.thing, look }] : [];
    });

/** Picture → mean over its seeds. */
export function perPicture(
  results: readonly JudgedResult[],
  which: Which,
  measure: JudgedMeasure,
): ReadonlyMap<string, number> {
  const groups = Map.groupBy(looksOf(results, which), ({ thing }) => thing);
  return new Map([...groups].map(([thing, own]) => [thing, mean(own.map(({ look }) => read[measure](look)))]));
}

/** Every arm at every look, strengths last. */
export function findJudged(results: readonly JudgedResult[]): readonly JudgedRow[] {
  const seen = new Map<string, Required<Which>>();
  for (const { run, looks } of results) {
    for (const { step, strength } of looks) {
      const which = { variant: run.variant, arm: run.arm, step, strength };
      seen.set(JSON.stringify(which), which);
    }
  }
  return [...seen.values()].map((which) => {
    const looks = looksOf(results, which);
    const measures = Object.fromEntries(
      judgedMeasures.map((measure) => [
        measure,
        bootstrapInterval([...perPicture(results, which, measure).values()], { resamples }),
      ]),
    ) as Record<JudgedMeasure, Interval>;
    return {
      ...which,
      measures,
      seconds: lowerQuartile(looks.map(({ look }) => look.seconds)),
      pictures: new Set(looks.map(({ thing }) => thing)).size,
    };
  });
}

/** One sentence of issue and paper with its figures; `goal` as it was set before the data. */
export interface JudgedClaim {
  readonly claim: string;
  readonly goal: string;
  readonly difference: Interval;
  readonly pictures: number;
  readonly verdict: "holds" | "undecided" | "does not hold";
}

/** The product against the paper's setting: at equal learning time, and at half the steps. Differences are product less paper,
 * paired by picture. Empty where a report lacks either arm. @param seen findJudged of the same results */
export function findJudgedClaims(
  results: readonly JudgedResult[],
  seen: readonly JudgedRow[] = findJudged(results),
): readonly JudgedClaim[] {
  const rows = seen.filter(({ arm, strength }) => arm === "caption" && strength === 1);
  const paper = rows.findLast(({ variant }) => variant === "paper");
  const products = rows.filter(({ variant }) => variant === "product");
  // Of the steps that were looked at, the last that costs no more than all of the paper's.
  const equal = products.findLast(({ seconds }) => paper !== undefined && seconds <= paper.seconds);
  const half = products.find(({ step }) => step === productSteps / 2);
  if (!paper || !equal) return [];
  const start = perPicture(results, { ...paper, step: 0 }, "followed");
  const failures = (which: Which) =>
    new Map(
      [...perPicture(results, which, "followed")].map(([thing, rate]) => [thing, (start.get(thing) ?? 1) - rate]),
    );
  // At most half: twice the product's failures less the paper's must not be positive.
  const halved = paired(failures(paper), failures(equal), (p, q) => p - 2 * q);
  const no = (margin: number) => (difference: Interval) => verdictOf(difference, margin);
  const against = (which: Which, measure: JudgedMeasure) =>
    paired(perPicture(results, paper, measure), perPicture(results, which, measure), (p, q) => q - p);
  const at = (which: JudgedRow) => `product at step ${which.step} (${which.seconds.toFixed(1)} s)`;
  const full = `paper at step ${paper.step} (${paper.seconds.toFixed(1)} s)`;
  const claimOf = (claim: string, goal: string, values: readonly number[], judge: (i: Interval) => Verdict) => {
    const difference = bootstrapInterval(values);
    return { claim, goal, difference, pictures: values.length, verdict: judge(difference) };
  };
  return [
    claimOf(
      `failures to follow the prompt beyond step 0's: ${full} less twice those of ${at(equal)}`,
      "not below 0",
      halved,
      no(0),
    ),
    ...(["identity", "nearest", "nearestInFour"] as const).map((measure) =>
      claimOf(`${nameOf[measure]}: ${at(equal)} less ${full}`, "above −0.03", against(equal, measure), no(0.03)),
    ),
    ...(half
      ? (["identity", "nearest", "followed"] as const).map((measure) =>
          claimOf(`${nameOf[measure]}: ${at(half)} less ${full}`, "not below 0", against(half, measure), no(0)),
        )
      : []),
  ];
}

type Verdict = JudgedClaim["verdict"];

/** Is a difference at least −margin, whatever is resampled? */
export const verdictOf = ({ low, high }: Interval, margin = 0): Verdict =>
  low >= -margin ? "holds" : high < -margin ? "does not hold" : "undecided";

export const nameOf: Readonly<Record<JudgedMeasure, string>> = {
  followed: "prompt followed",
  identity: "identity",
  nearest: "nearest of all",
  nearestInFour: "nearest in its four",
  variety: "variety",
};

/** Of the pictures that both have. */
export function paired(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  of: (a: number, b: number) => number,
): readonly number[] {
  return [...a].flatMap(([thing, value]) => {
    const other = b.get(thing);
    return other === undefined ? [] : [of(value, other)];
  });
}

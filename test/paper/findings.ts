import { bootstrapInterval, type Interval } from "../../functions/metrics/bootstrap-interval.ts";
import { type MedianInterval, medianInterval } from "../../functions/metrics/median-interval.ts";
import type { Arm } from "./plan.ts";
import type { Control } from "./run-all.ts";
import type { RunResult } from "./store.ts";

export type Measure = "report" | "counterfactual";

/** A claim as "first below second", per picture, mean over seeds. */
export interface Ordering {
  readonly claim: string;
  readonly measure: Measure;
  /** Of second − first: positive is in the claim's favour. */
  readonly difference: Interval;
  readonly wins: number;
  readonly of: number;
  readonly verdict: "holds" | "undecided" | "does not hold";
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Picture → the mean over seeds of what `of` reads from the runs of one arm and setting. */
export function perThing(
  results: readonly RunResult[],
  { variant, arm }: { readonly variant: string; readonly arm: Arm },
  of: (result: RunResult) => number,
): ReadonlyMap<string, number> {
  const chosen = results.filter(({ run }) => run.variant === variant && run.arm === arm);
  const groups = Map.groupBy(chosen, ({ run }) => run.thing);
  return new Map([...groups].map(([thing, runs]) => [thing, mean(runs.map(of))]));
}

export const lossAtStart =
  (measure: Measure) =>
  (result: RunResult): number =>
    (result.points[0] as Point)[measure];
export const lossAtEnd =
  (measure: Measure) =>
  (result: RunResult): number =>
    (result.points.at(-1) as Point)[measure];
type Point = RunResult["points"][number];

/** Pictures that both sides have, compared. */
export function compare(
  claim: string,
  measure: Measure,
  lower: ReadonlyMap<string, number>,
  higher: ReadonlyMap<string, number>,
): Ordering | undefined {
  const differences = [...lower].flatMap(([thing, value]) => {
    const other = higher.get(thing);
    return other === undefined ? [] : [other - value];
  });
  if (differences.length === 0) return undefined;
  const difference = bootstrapInterval(differences);
  const verdict = difference.low > 0 ? "holds" : difference.high < 0 ? "does not hold" : "undecided";
  return { claim, measure, difference, verdict, wins: differences.filter((d) => d > 0).length, of: differences.length };
}

/** Figures 3 and 6 as claims, each on both banks, and the controls: nothing here is known before the data. */
export function findOrderings(
  results: readonly RunResult[],
  controls: readonly Control[],
  variant = "paper",
): readonly Ordering[] {
  const orderings = (["report", "counterfactual"] as const).flatMap((measure) => {
    const at = (arm: Arm, when: "start" | "end") =>
      perThing(results, { variant, arm }, (when === "start" ? lossAtStart : lossAtEnd)(measure));
    const end = (arm: Arm) => at(arm, "end");
    const start = (arm: Arm) => at(arm, "start");
    return [
      compare("caption below class (figure 3)", measure, end("caption"), end("class")),
      compare("class below * (figure 3)", measure, end("class"), end("star")),
      compare("caption below * (figure 3)", measure, end("caption"), end("star")),
      compare("* × n below * (figure 6)", measure, end("stars"), end("star")),
      compare("caption below * × n (figure 6)", measure, end("caption"), end("stars")),
      compare("caption learned below caption at step 0", measure, end("caption"), start("caption")),
      compare("class learned below class at step 0", measure, end("class"), start("class")),
      compare("* learned below * at step 0", measure, end("star"), start("star")),
      compare("caption at step 0 below class at step 0", measure, start("caption"), start("class")),
      compare("caption at step 0 below * learned", measure, start("caption"), end("star")),
    ];
  });
  const caption = perThing(results, { variant, arm: "caption" }, lossAtEnd("report"));
  const control = (of: (control: Control) => number) => new Map(controls.map((one) => [one.thing, of(one)]));
  return [
    ...orderings,
    compare(
      "caption learned below another picture's concept",
      "report",
      caption,
      control((one) => one.otherConcept),
    ),
    compare(
      "caption learned below another picture's caption",
      "report",
      caption,
      control((one) => one.otherCaption),
    ),
  ].filter((ordering) => ordering !== undefined);
}

export interface Catching {
  /** Whose caption catches up. */
  readonly variant: string;
  readonly target: Arm;
  /** Of the target. */
  readonly steps: number;
  /** Pictures where the caption is there before the first step: no win of learning. */
  readonly atStart: number;
  readonly never: number;
  /** Over the pictures that are not there at the start; absent when there is none. Infinity: not reached. */
  readonly rest: MedianInterval | undefined;
}

/** Steps until the counterfactual loss of the caption in setting `variant` is as low as the target's at its end, between looks by straight
 * lines. */
export function findCatching(
  results: readonly RunResult[],
  variant: string,
  target: { readonly variant: string; readonly arm: Arm },
): Catching | undefined {
  const goals = perThing(results, target, lossAtEnd("counterfactual"));
  const steps = results.find(({ run }) => run.variant === target.variant && run.arm === target.arm)?.run.steps;
  const runs = results.filter(({ run }) => run.variant === variant && run.arm === "caption" && goals.has(run.thing));
  const [first] = runs;
  if (!first || steps === undefined) return undefined;
  const groups = Map.groupBy(runs, ({ run }) => run.thing);
  const crossings = [...groups].map(([thing, seeds]) => {
    const points = first.points.map(({ step }, i) => ({ step, loss: mean(seeds.map((s) => lossOf(s, i))) }));
    return crossing(points, goals.get(thing) as number);
  });
  const rest = crossings.filter((step) => step > 0);
  return {
    ...{ variant, target: target.arm, steps },
    atStart: crossings.length - rest.length,
    never: rest.filter((step) => step === Number.POSITIVE_INFINITY).length,
    rest: rest.length > 0 ? medianInterval(rest) : undefined,
  };
}

const lossOf = ({ points }: RunResult, i: number): number => (points[i] as Point).counterfactual;

function crossing(points: readonly { readonly step: number; readonly loss: number }[], goal: number): number {
  for (const [i, { step, loss }] of points.entries()) {
    if (loss > goal) continue;
    const before = points[i - 1];
    return before ? before.step + ((before.loss - goal) / (before.loss - loss)) * (step - before.step) : 0;
  }
  return Number.POSITIVE_INFINITY;
}

export interface VariantRow {
  readonly variant: string;
  readonly report: Interval;
  readonly counterfactual: Interval;
  /** Improvement over the paper's setting: positive is better. */
  readonly gain: Readonly<Record<Measure, Ordering>>;
  readonly normRatio: number;
  readonly cosine: number;
}

/** Every setting beside the paper's at the same number of steps. */
export function findVariants(results: readonly RunResult[], baseline: string): readonly VariantRow[] {
  const names = new Set(results.map(({ run }) => run.variant).filter((name) => name.endsWith(" steps")));
  return [...names].flatMap((variant) => {
    const of = (read: (result: RunResult) => number, name = variant) =>
      perThing(results, { variant: name, arm: "caption" }, read);
    const against = (measure: Measure) =>
      compare(variant, measure, of(lossAtEnd(measure)), of(lossAtEnd(measure), baseline));
    const [report, counterfactual] = [against("report"), against("counterfactual")];
    if (!report || !counterfactual) return [];
    return {
      variant,
      report: bootstrapInterval([...of(lossAtEnd("report")).values()]),
      counterfactual: bootstrapInterval([...of(lossAtEnd("counterfactual")).values()]),
      gain: { report, counterfactual },
      normRatio: mean([...of((result) => result.normRatio).values()]),
      cosine: mean([...of((result) => result.cosine).values()]),
    };
  });
}

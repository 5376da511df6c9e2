import { compare, lossAtEnd, lossAtStart, type Ordering, perThing } from "./findings.ts";
import { type Arm, startArms, startVariant } from "./plan.ts";
import type { RunResult } from "./store.ts";

/** Would something else than what the caption says explain its win? Each as "first below second", after learning or before it. */
const claims: readonly (readonly [claim: string, lower: Arm, higher: Arm])[] = [
  ["caption below the same sentence about something else", "caption", "wrong caption"],
  ["caption below as many random words", "caption", "random words"],
  ["caption below a word that is true of every picture", "caption", "hypernym"],
  ["right caption below the captioner's", "right caption", "caption"],
  ["right caption below *", "right caption", "star"],
  ["* below one random word: * is no straw man", "star", "random word"],
  ["* below the mean of known words: * is no straw man", "star", "mean row"],
  ["caption below the mean of known words", "caption", "mean row"],
  ["a sentence about something else below *: length alone helps", "wrong caption", "star"],
  ["* × n below a sentence about something else", "stars", "wrong caption"],
];

/** Orderings of the arms that only the confounds need, at their own number of steps. Empty where they were not run. */
export function findConfounds(results: readonly RunResult[]): readonly Ordering[] {
  const own = results.filter(({ run }) => run.variant === startVariant);
  if (own.length === 0) return [];
  return (["report", "counterfactual"] as const).flatMap((measure) =>
    claims.flatMap(([claim, lower, higher]) => {
      const of = (arm: Arm) => perThing(own, { variant: startVariant, arm }, lossAtEnd(measure));
      return compare(claim, measure, of(lower), of(higher)) ?? [];
    }),
  );
}

export interface StartRow {
  readonly arm: Arm;
  /** Means over pictures of the counterfactual loss. */
  readonly before: number;
  readonly after: number;
}

/** Every start's loss in scenes never shown, before and after learning: what a start is worth, and what is learned from it. */
export function findStarts(results: readonly RunResult[]): readonly StartRow[] {
  const meanOf = (arm: Arm, read: typeof lossAtEnd) => {
    const losses = [...perThing(results, { variant: startVariant, arm }, read("counterfactual")).values()];
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  };
  return startArms
    .map((arm) => ({ arm, before: meanOf(arm, lossAtStart), after: meanOf(arm, lossAtEnd) }))
    .filter(({ after }) => Number.isFinite(after));
}

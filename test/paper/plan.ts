import { variants } from "../../functions/inversion/variants.ts";
import type { LearnMode } from "../../shared/concept.ts";
import type { Improvements } from "../../shared/improvements.ts";

/** How a run begins: one `*`, the class word of the whole picture (as in the paper) or of what was clicked, the caption, as many
 * `*` as the caption has tokens, or exactly n of them. */
export type Arm = "star" | "class" | "class, clicked" | "caption" | "stars" | `stars ${number}`;

/** One learning run as data: with the model and the picture it names everything that its result depends on. */
export interface Run {
  readonly thing: string;
  readonly arm: Arm;
  /** Name of the setting, unique in a report. */
  readonly variant: string;
  readonly mode: LearnMode;
  readonly improvements: Improvements;
  /** Absent: the mode's own. `relative`: the step Stable Diffusion's embeddings get, scaled to this model's. */
  readonly learningRate?: number | "relative";
  readonly steps: number;
  readonly seed: number;
  /** Draw a picture with what was learned. */
  readonly draw: boolean;
}

export interface PlanOptions {
  readonly things: readonly string[];
  readonly seeds: number;
  readonly steps: number;
}

/** What can be asked for alone, most needed first: an interrupted report has its main figures. `judged` is planned by `planJudged`. */
export const parts = ["figures", "judged", "long", "improvements", "counts", "confounds"] as const;
export type Part = (typeof parts)[number];

const mainArms: readonly Arm[] = ["star", "class", "class, clicked", "caption", "stars"];
const countArms: readonly Arm[] = ["stars 2", "stars 4", "stars 8"];
/** The paper goes on to 5,000; a subset of pictures is followed as far as this. */
const longSteps = 3_000;
const longThings = 4;
/** The product's budget: what the table of improvements is made at, and half of it for the last line of the claim. */
export const productSteps = 100;
/** The paper's own things come first in a plan; arms that only its figures need are run on them alone. */
const figureThings = 12;

const seedsTo = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);
const asPaper = { variant: "paper", mode: "paper", improvements: {}, draw: false } as const;

const plans: Readonly<Record<Exclude<Part, "judged">, (options: PlanOptions) => readonly Run[]>> = {
  figures: ({ things, seeds, steps }) =>
    seedsTo(seeds).flatMap((seed) =>
      things.flatMap((thing) =>
        mainArms.map((arm): Run => ({ ...asPaper, steps, thing, arm, seed, draw: seed === 0 })),
      ),
    ),
  counts: ({ things, steps }) =>
    things.flatMap((thing) => countArms.map((arm): Run => ({ ...asPaper, steps, thing, arm, seed: 0 }))),
  long: ({ things, steps }) =>
    things.slice(0, longThings).flatMap((thing) =>
      (["star", "caption", "stars"] as const).map(
        (arm): Run => ({
          ...asPaper,
          variant: "paper, long",
          steps: Math.max(steps, longSteps),
          thing,
          arm,
          seed: 0,
        }),
      ),
    ),
  improvements: ({ things }) => things.flatMap((thing) => improvementRuns(thing)),
  // Confound of the step size: the same arms at the rate that is as large for these embeddings as the paper's is for Stable
  // Diffusion's. Orderings must hold at both.
  confounds: ({ things, steps }) =>
    things.flatMap((thing) =>
      mainArms.map(
        (arm): Run => ({
          ...asPaper,
          ...{ thing, arm, steps, seed: 0, variant: "paper, relative rate", learningRate: "relative" },
        }),
      ),
    ),
};

/** The runs of the wanted parts, in the order of `parts`. */
export const planRuns = (wanted: ReadonlySet<Part>, options: PlanOptions): readonly Run[] =>
  parts.flatMap((part) => (part !== "judged" && wanted.has(part) ? plans[part](options) : []));

/** Every improvement of functions/inversion/variants.ts, alone and jointly, from the caption at one equal number of steps. */
function improvementRuns(thing: string): Run[] {
  const runOf = ({ name, mode, improvements, learningRate }: (typeof variants)[number], steps: number): Run => ({
    ...{ thing, mode, improvements, steps, arm: "caption", seed: 0, draw: false },
    variant: steps === productSteps ? `${name}, ${steps} steps` : `${name} at ${steps} steps`,
    ...(learningRate !== undefined && { learningRate }),
  });
  const half = variants.filter(({ name }) => name === "product");
  return [
    ...variants.map((variant) => runOf(variant, productSteps)),
    ...half.map((variant) => runOf(variant, productSteps / 2)),
  ];
}

/** What judges look at: the paper's setting against the product's on every picture and seed, and the other initialisers beside. */
export function planJudged({ things, seeds, steps }: PlanOptions): readonly Run[] {
  const shared = { improvements: {}, draw: false, steps: Math.min(steps, productSteps) } as const;
  const of = (thing: string, arm: Arm, mode: LearnMode, seed: number): Run => ({
    ...{ ...shared, thing, arm, mode, seed, variant: mode },
  });
  return [
    ...seedsTo(seeds).flatMap((seed) =>
      things.flatMap((thing) => [of(thing, "caption", "paper", seed), of(thing, "caption", "product", seed)]),
    ),
    ...things.map((thing) => of(thing, "star", "paper", 0)),
    ...things
      .slice(0, figureThings)
      .flatMap((thing) => [of(thing, "class", "paper", 0), of(thing, "stars", "paper", 0)]),
  ];
}

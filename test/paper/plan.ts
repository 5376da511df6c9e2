import { variants } from "../../functions/inversion/variants.ts";
import type { LearnMode } from "../../shared/concept.ts";
import type { Improvements } from "../../shared/improvements.ts";

/** How a run begins: one `*`, the class word, the caption, as many `*` as the caption has tokens, or exactly n of them. */
export type Arm = "star" | "class" | "caption" | "stars" | `stars ${number}`;

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
  readonly confounds: boolean;
  /** The shortest plan: no long runs, no table of improvements. */
  readonly quick: boolean;
}

const mainArms: readonly Arm[] = ["star", "class", "caption", "stars"];
const countArms: readonly Arm[] = ["stars 2", "stars 4", "stars 8"];
/** The paper goes on to 5,000; a subset of pictures is followed as far as this. */
const longSteps = 3_000;
const longThings = 4;

const seedsTo = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);

/** Everything a report needs, most needed first: an interrupted plan has its main figures. */
export function planRuns({ things, seeds, steps, confounds, quick }: PlanOptions): readonly Run[] {
  const paper = { variant: "paper", mode: "paper", improvements: {}, steps } as const;
  const base = seedsTo(seeds).flatMap((seed) =>
    things.flatMap((thing) => mainArms.map((arm): Run => ({ ...paper, thing, arm, seed, draw: seed === 0 }))),
  );
  if (quick) return confounds ? [...base, ...rateRuns(things, steps)] : base;
  const counts = things.flatMap((thing) =>
    countArms.map((arm): Run => ({ ...paper, thing, arm, seed: 0, draw: false })),
  );
  const long = things
    .slice(0, longThings)
    .flatMap((thing) =>
      (["star", "caption", "stars"] as const).map(
        (arm): Run => ({ ...paper, variant: "paper, long", steps: longSteps, thing, arm, seed: 0, draw: false }),
      ),
    );
  return [
    ...base,
    ...counts,
    ...variantRuns(things, seeds),
    ...(confounds ? rateRuns(things, steps) : []),
    ...(steps >= 400 ? long : []),
  ];
}

/** The product's budget: what the table of improvements is made at, and half of it for the last line of the claim. */
const variantSteps = 100;

/** Every improvement of functions/inversion/variants.ts, alone and jointly, from the caption at one equal number of steps. */
function variantRuns(things: readonly string[], seeds: number): Run[] {
  const shared = { arm: "caption", draw: false } as const;
  const runOf = (variant: (typeof variants)[number], thing: string, seed: number, steps: number): Run => ({
    ...shared,
    thing,
    seed,
    steps,
    variant: steps === variantSteps ? `${variant.name}, ${steps} steps` : `${variant.name} at ${steps} steps`,
    mode: variant.mode,
    improvements: variant.improvements,
    ...(variant.learningRate !== undefined && { learningRate: variant.learningRate }),
  });
  const half = variants.filter(({ name }) => name === "product");
  return seedsTo(seeds).flatMap((seed) =>
    things.flatMap((thing) => [
      ...variants.map((variant) => runOf(variant, thing, seed, variantSteps)),
      ...half.map((variant) => runOf(variant, thing, seed, variantSteps / 2)),
    ]),
  );
}

/** Confound of the step size: the same arms at the rate that is as large for these embeddings as the paper's is for Stable
 * Diffusion's. Orderings must hold at both. */
const rateRuns = (things: readonly string[], steps: number): Run[] =>
  things.flatMap((thing) =>
    mainArms.map(
      (arm): Run => ({
        ...{ thing, arm, steps, seed: 0, draw: false },
        ...{ variant: "paper, relative rate", mode: "paper", improvements: {}, learningRate: "relative" },
      }),
    ),
  );

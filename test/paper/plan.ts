import { variants } from "../../functions/inversion/variants.ts";
import type { LearnMode } from "../../shared/concept.ts";
import type { Improvements } from "../../shared/improvements.ts";

/** How a run begins: one `*`, the class word of the whole picture (as in the paper) or of what was clicked, the caption, as many
 * `*` as the caption has tokens, or exactly n of them; or as only the confounds need it, told in starts.ts. */
export type Arm = "star" | "class" | "class, clicked" | "caption" | "stars" | `stars ${number}` | ConfoundArm;
type ConfoundArm = ("right caption" | "wrong caption" | "hypernym") | ("random word" | "random words" | "mean row");

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
  /** Learned from so many pictures of the thing; one when absent. */
  readonly pictures?: number;
  readonly steps: number;
  readonly seed: number;
  /** Draw a picture with what was learned. */
  readonly draw: boolean;
  /** Ask the banks on the way, as figures show it; at both ends alone when absent. */
  readonly followed?: true;
}

export interface PlanOptions {
  readonly things: readonly string[];
  readonly seeds: number;
  readonly steps: number;
}

/** What can be asked for alone, most needed first: an interrupted report has its main figures. */
export const parts = ["figures", "judged", "long", "improvements", "pictures", "counts", "confounds"] as const;
export type Part = (typeof parts)[number];
/** Of these a judge looks at what is drawn; of the others losses are measured. */
type JudgedPart = Extract<Part, "judged" | "pictures">;

const mainArms: readonly Arm[] = ["star", "class", "class, clicked", "caption", "stars"];
/** The class of what was clicked is beside the paper's, once. */
const armsOf = (seed: number): readonly Arm[] => mainArms.filter((arm) => arm !== "class, clicked" || seed === 0);
const countArms: readonly Arm[] = ["stars 2", "stars 4", "stars 8"];
/** Starts that are compared with each other; the variant keeps them apart from the runs that the figures follow. */
export const startArms: readonly Arm[] = [
  ...(["star", "random word", "mean row", "hypernym"] as const),
  ...(["caption", "right caption", "wrong caption", "random words", "stars"] as const),
];
export const startVariant = "paper, by start";
/** The product's own run from the caption, followed beside the paper's: what catches up sooner. */
export const productVariant = "product";
/** The paper goes on to 5,000; a subset of pictures is followed as far as this. */
const longSteps = 3_000;
const longThings = 4;
/** The product's budget: what the table of improvements is made at, and half of it for the last line of the claim. */
export const productSteps = 100;
/** The paper's own things come first in a plan; arms that only its figures need are run on them alone. */
const figureThings = 12;
/** Concepts of several pictures are learned of half of the held-out things. */
const pictureThings = 24;
export const pictureCounts = [1, 3, 5] as const;
/** The paper's setting from both initialisers, and the product's. */
export const pictureArms = [
  ["star", "paper"],
  ["caption", "paper"],
  ["caption", "product"],
] as const satisfies readonly (readonly [Arm, LearnMode])[];

const seedsTo = (count: number): number[] => Array.from({ length: count }, (_, seed) => seed);
const asPaper = { variant: "paper", mode: "paper", improvements: {}, draw: false } as const;
const followed = { ...asPaper, followed: true } as const;

const plans: Readonly<Record<Exclude<Part, JudgedPart>, (options: PlanOptions) => readonly Run[]>> = {
  figures: ({ things, seeds, steps }) =>
    seedsTo(seeds).flatMap((seed) =>
      things.flatMap((thing): readonly Run[] => [
        ...armsOf(seed).map((arm): Run => ({ ...followed, steps, thing, arm, seed, draw: seed === 0 })),
        {
          ...{ ...followed, variant: productVariant, mode: "product", thing, arm: "caption", seed },
          steps: Math.min(steps, productSteps),
        },
      ]),
    ),
  counts: ({ things, steps }) =>
    things.flatMap((thing) => countArms.map((arm): Run => ({ ...followed, steps, thing, arm, seed: 0 }))),
  long: ({ things, steps }) =>
    things.slice(0, longThings).flatMap((thing) =>
      (["star", "caption", "stars"] as const).map(
        (arm): Run => ({
          ...followed,
          variant: "paper, long",
          steps: Math.max(steps, longSteps),
          thing,
          arm,
          seed: 0,
        }),
      ),
    ),
  improvements: ({ things }) => things.flatMap((thing) => improvementRuns(thing)),
  confounds: ({ things, steps }) => [
    // What a start says, how long it is, and whether `*` is a straw man.
    ...things.flatMap((thing) =>
      startArms.map(
        (arm): Run => ({
          ...asPaper,
          variant: startVariant,
          steps: Math.min(steps, productSteps),
          thing,
          arm,
          seed: 0,
        }),
      ),
    ),
    // The step size: the same arms at the rate that is as large for these embeddings as the paper's is for Stable Diffusion's.
    // Orderings must hold at both.
    ...things.flatMap((thing) =>
      mainArms.map(
        (arm): Run => ({
          ...followed,
          ...{ thing, arm, steps, seed: 0, variant: "paper, relative rate", learningRate: "relative" },
        }),
      ),
    ),
  ],
};

const planned = <P extends Part>(
  plansOf: Readonly<Record<P, (options: PlanOptions) => readonly Run[]>>,
  wanted: ReadonlySet<Part>,
  options: PlanOptions,
): readonly Run[] =>
  parts.filter((part): part is P => part in plansOf && wanted.has(part)).flatMap((part) => plansOf[part](options));

/** The runs of the wanted parts whose losses are measured, in the order of `parts`. */
export const planRuns = (wanted: ReadonlySet<Part>, options: PlanOptions): readonly Run[] =>
  planned(plans, wanted, options);

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

const judgedRun = (
  thing: string,
  arm: Arm,
  mode: LearnMode,
  { steps, seed }: { steps: number; seed: number },
): Run => ({
  ...{ thing, arm, mode, seed, variant: mode, improvements: {}, draw: false, steps: Math.min(steps, productSteps) },
});

const judgedPlans: Readonly<Record<JudgedPart, (options: PlanOptions) => readonly Run[]>> = {
  // The paper's setting against the product's on every picture and seed, and the other initialisers beside.
  judged: ({ things, seeds, steps }) => {
    const of = (thing: string, arm: Arm, mode: LearnMode, seed = 0) => judgedRun(thing, arm, mode, { steps, seed });
    return [
      ...seedsTo(seeds).flatMap((seed) =>
        things.flatMap((thing) => [of(thing, "caption", "paper", seed), of(thing, "caption", "product", seed)]),
      ),
      ...things
        .slice(0, figureThings)
        .flatMap((thing) => (["star", "class", "stars"] as const).map((arm) => of(thing, arm, "paper"))),
    ];
  },
  // The paper's next step: does a caption need fewer pictures than `*`?
  pictures: ({ things, steps }) =>
    things.slice(0, pictureThings).flatMap((thing) =>
      pictureCounts.flatMap((pictures) =>
        pictureArms.map(([arm, mode]): Run => {
          const one = judgedRun(thing, arm, mode, { steps, seed: 0 });
          return pictures === 1 ? one : { ...one, pictures, variant: `${mode}, ${pictures} pictures` };
        }),
      ),
    ),
};

/** The runs of the wanted parts whose pictures a judge looks at, none twice. */
export const planJudged = (wanted: ReadonlySet<Part>, options: PlanOptions): readonly Run[] => [
  ...new Map(planned(judgedPlans, wanted, options).map((run) => [JSON.stringify(run), run])).values(),
];

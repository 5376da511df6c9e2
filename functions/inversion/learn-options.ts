import type { LearnMode } from "../../shared/concept.ts";
import type { Improvements } from "../../shared/improvements.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { templates } from "./templates.ts";

/** Every switch of the learning loop. `paperDefaults` and `productDefaults` differ only here. */
export interface LearnOptions {
  readonly steps: number;
  /** B, examples per step. */
  readonly batch: number;
  readonly seed: number;
  readonly learningRate: number;
  /** Share of the learning rate that is left at the last step; 1 keeps it constant. */
  readonly finalRateShare: number;
  /** `adamw` moves rows freely, `direction` on the sphere of their initial norm. */
  readonly update: "adamw" | "direction";
  /** κ of the direction update. */
  readonly priorPull: number;
  readonly weightDecay: number;
  /** Shrink the prompt's other words as the authors' optimiser does, whose weight decay covers the whole table. */
  readonly decayWords: boolean;
  /** Flip each example with probability one half. */
  readonly flip: boolean;
  /** One timestep from each of B equal ranges per step instead of B independent ones: less variance, same mean. */
  readonly stratified: boolean;
  /** Loss weight outside the mask, 0–1; 1 ignores the mask. */
  readonly maskFloor: number;
  /** Share of steps without the mask. */
  readonly unmaskedShare: number;
  /** Begin at the rows that the model's look encoder makes of the words', where it has one. */
  readonly look: boolean;
  /** λ, weight of the background term outside the mask; 0 is none. */
  readonly background: number;
  /** Pictures put together of the thing alone and plain grounds, to learn from besides those given, of which each gives about as many. */
  readonly recompositions: number;
  /** α, how much more often large timesteps are drawn at first, 0–1. */
  readonly largeTimesteps: number;
  /** β of the exponential average of rows that is evaluated and kept, 0–1; 0 keeps rows as a step left them. */
  readonly averaging: number;
  /** Evaluate the keep-best bank every so many steps; 0 never does. */
  readonly evaluateEvery: number;
  /** Keep the rows that were best on that bank; else, or without a bank, the last ones. */
  readonly keepBest: boolean;
  /** Stop after so many evaluations without a better one. */
  readonly patience: number;
}

type Given = Pick<LearnOptions, "steps" | "batch" | "seed"> & { readonly learningRate?: number | undefined };

/** Evaluations in a run, and how many in a row without a better one end it. DVAR (Voronov et al. 2023) watches 310 steps, a
 * window that cannot fire within 100; this one can from the middle of a run on. One evaluation takes as long as one step. */
const evaluations = 10;
const patience = 5;

/** Neither improvement nor trace of one. */
const plain = {
  update: "adamw",
  finalRateShare: 1,
  priorPull: 0,
  look: false,
  background: 0,
  recompositions: 0,
  largeTimesteps: 0,
  averaging: 0,
} as const;

/** The paper's setting and the authors' code: uniform timesteps, flips, no mask, last step kept. */
export const paperDefaults = (given: Given): LearnOptions => ({
  ...given,
  ...plain,
  // 5e-4 times the batch of 4 in the authors' code.
  learningRate: given.learningRate ?? 2e-3,
  weightDecay: 1e-2,
  decayWords: true,
  flip: true,
  stratified: false,
  maskFloor: 1,
  unmaskedShare: 1,
  evaluateEvery: 0,
  keepBest: false,
  patience: Number.POSITIVE_INFINITY,
});

/** λ of the product's background term: prompts are followed more often, and no likeness was seen to be lost. SingleInsert's 1 costs a
 * fifth of it (model card). */
const backgroundWeight = 0.15;

/** Plain grounds that the product sets the thing on: prompts are followed in all drawings, and the thing is more like itself (model card). */
const recompositions = 5;

/** β of the product's average of rows: about the last ten steps. Concepts look more like their things for it (model card). */
const averaging = 0.9;

/** What the product does: no decay, no flips (they mirror logos), stratified timesteps, the click's mask and outside it the
 * background term, rows averaged over steps, best average kept. */
export const productDefaults = (model: OpenedModel, given: Given, look = true): LearnOptions => ({
  ...given,
  ...plain,
  learningRate: given.learningRate ?? relativeLearningRate(model, look && model.look ? lookStep : productStep),
  weightDecay: 0,
  decayWords: false,
  flip: false,
  stratified: true,
  maskFloor: 0,
  unmaskedShare,
  look,
  background: backgroundWeight,
  recompositions,
  averaging,
  evaluateEvery: Math.ceil(given.steps / evaluations),
  keepBest: true,
  patience,
});

/** Share of steps without the mask, wherever one is used: the thing must still fit into whole pictures. */
const unmaskedShare = 0.1;

/** A mode's settings with what the job changes of them. */
export function defaultsOf(
  model: OpenedModel,
  mode: LearnMode,
  given: Given,
  improvements: Improvements = {},
): LearnOptions {
  const options = mode === "paper" ? paperDefaults(given) : productDefaults(model, given, improvements.look);
  return { ...options, ...changes(options, given, improvements) };
}

function changes(options: LearnOptions, given: Given, wanted: Improvements): Partial<LearnOptions> {
  const { maskFloor = options.maskFloor, background = options.background } = wanted;
  const { keepBest = options.keepBest, earlyStopping = Number.isFinite(options.patience) } = wanted;
  return {
    ...(wanted.update === "direction" && directionDefaults(given)),
    ...(wanted.decay !== undefined && { weightDecay: wanted.decay ? 1e-2 : 0, decayWords: wanted.decay }),
    ...(wanted.flip !== undefined && { flip: wanted.flip }),
    ...(wanted.stratified !== undefined && { stratified: wanted.stratified }),
    ...(wanted.largeTimesteps !== undefined && { largeTimesteps: wanted.largeTimesteps }),
    ...(wanted.recompositions !== undefined && { recompositions: wanted.recompositions }),
    ...(wanted.averaging !== undefined && { averaging: wanted.averaging ? averaging : 0 }),
    ...(wanted.look !== undefined && { look: wanted.look }),
    maskFloor,
    background,
    unmaskedShare: maskFloor === 1 && background === 0 ? 1 : unmaskedShare,
    evaluateEvery: keepBest || earlyStopping ? Math.ceil(given.steps / evaluations) : 0,
    keepBest,
    patience: earlyStopping ? patience : Number.POSITIVE_INFINITY,
  };
}

/** Step and κ of Directional Textual Inversion (its README: 1e-2 and 1e-4; its experiments multiply the step by their batch of
 * 4), slowed down to a tenth, which settles rows as an average would. A step is an angle, whatever the model's embeddings. */
function directionDefaults({ learningRate = 1e-2 }: Given): Partial<LearnOptions> {
  return {
    update: "direction",
    learningRate,
    finalRateShare: 0.1,
    priorPull: 1e-4,
    averaging: 0,
    weightDecay: 0,
    decayWords: false,
  };
}

/** Length of one Adam step, lr · √D, relative to a row's norm. At 0.14 Stable Diffusion 1.x (median norm 0.39, D 768)
 * gets the paper's 2e-3; models with other embeddings get the same relative pace. */
const relativeStep = 0.14;
/** The product's own: what it learns from varies more, so it can go faster before it learns a picture by heart (model card). */
const productStep = 0.2;
/** From where a look encoder sees the thing there is half as far to go (model card). */
const lookStep = 0.1;

/** Learning rate from the median norm of the rows of the template words, which every text encoder has trained. */
export function relativeLearningRate(
  model: Pick<OpenedModel, "tokenizer" | "embed" | "width">,
  step = relativeStep,
): number {
  const ids = new Set(templates.flatMap((template) => model.tokenizer.encode(template.replace("{}", ""))));
  const { data } = model.embed([...ids]);
  const norms = Array.from(ids, (_, i) => Math.hypot(...data.subarray(i * model.width, (i + 1) * model.width)));
  const median = norms.sort((a, b) => a - b)[norms.length >> 1] as number;
  return (step * median) / Math.sqrt(model.width);
}

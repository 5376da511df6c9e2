import type { LearnMode } from "../../shared/concept.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { templates } from "./templates.ts";

/** Every switch of the learning loop. `paperDefaults` and `productDefaults` differ only here. */
export interface LearnOptions {
  readonly steps: number;
  /** B, examples per step. */
  readonly batch: number;
  readonly seed: number;
  readonly learningRate: number;
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
  /** Evaluate the keep-best bank every so many steps; 0 never does, and keeps the last step. */
  readonly evaluateEvery: number;
  /** Stop after so many evaluations without a better one. */
  readonly patience: number;
}

type Given = Pick<LearnOptions, "steps" | "batch" | "seed"> & { readonly learningRate?: number | undefined };

/** The paper's setting and the authors' code: uniform timesteps, flips, no mask, last step kept. */
export const paperDefaults = (given: Given): LearnOptions => ({
  ...given,
  // 5e-4 times the batch of 4 in the authors' code.
  learningRate: given.learningRate ?? 2e-3,
  weightDecay: 1e-2,
  decayWords: true,
  flip: true,
  stratified: false,
  maskFloor: 1,
  unmaskedShare: 1,
  evaluateEvery: 0,
  patience: Number.POSITIVE_INFINITY,
});

/** What the product does: no decay, no flips (they mirror logos), stratified timesteps, the click's mask, best step kept. */
export const productDefaults = (model: OpenedModel, given: Given): LearnOptions => ({
  ...given,
  learningRate: given.learningRate ?? relativeLearningRate(model),
  weightDecay: 0,
  decayWords: false,
  flip: false,
  stratified: true,
  maskFloor: 0.1,
  unmaskedShare: 0.1,
  evaluateEvery: 10,
  patience: 25,
});

export const defaultsOf = (model: OpenedModel, mode: LearnMode, given: Given): LearnOptions =>
  mode === "paper" ? paperDefaults(given) : productDefaults(model, given);

/** Length of one Adam step, lr · √D, relative to a row's norm. At 0.14 Stable Diffusion 1.x (median norm 0.39, D 768)
 * gets the paper's 2e-3; models with other embeddings get the same relative pace. */
const relativeStep = 0.14;

/** Learning rate from the median norm of the rows of the template words, which every text encoder has trained. */
export function relativeLearningRate(model: Pick<OpenedModel, "tokenizer" | "embed" | "width">): number {
  const ids = new Set(templates.flatMap((template) => model.tokenizer.encode(template.replace("{}", ""))));
  const { data } = model.embed([...ids]);
  const norms = Array.from(ids, (_, i) => Math.hypot(...data.subarray(i * model.width, (i + 1) * model.width)));
  const median = norms.sort((a, b) => a - b)[norms.length >> 1] as number;
  return (relativeStep * median) / Math.sqrt(model.width);
}

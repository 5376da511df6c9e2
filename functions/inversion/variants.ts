import type { LearnMode } from "../../shared/concept.ts";
import type { Improvements } from "../../shared/improvements.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { defaultsOf, type LearnOptions } from "./learn-options.ts";

/** One column of an ablation: a mode and what is changed of it. Words, pictures and seeds are the table's own business. */
export interface Variant {
  /** Short, unique. */
  readonly name: string;
  readonly mode: LearnMode;
  readonly improvements: Improvements;
  /** Where it is part of the variant: a table's own learning rate is for AdamW, whose step is no angle. */
  readonly learningRate?: number;
}

const alone: Readonly<Record<string, Improvements>> = {
  "no decay": { decay: false },
  "no flips": { flip: false },
  stratified: { stratified: true },
  "mask 0.3": { maskFloor: 0.3 },
  "mask 0.1": { maskFloor: 0.1 },
  "mask 0": { maskFloor: 0 },
  "two tokens more": { moreTokens: 2 },
  direction: { update: "direction" },
  background: { maskFloor: 0, background: 0.15 },
  recompositions: { recompositions: 5 },
  "large t": { largeTimesteps: 0.5 },
  averaging: { averaging: true },
  "keep best": { keepBest: true },
  "early stopping": { keepBest: true, earlyStopping: true },
};

/** Every improvement at once. */
const joint: Improvements = {
  moreTokens: 2,
  update: "direction",
  decay: false,
  flip: false,
  stratified: true,
  maskFloor: 0,
  background: 0.15,
  recompositions: 5,
  largeTimesteps: 0.5,
  averaging: true,
  keepBest: true,
  earlyStopping: true,
};

const over = (mode: LearnMode, changes: Readonly<Record<string, Improvements>>): Variant[] =>
  Object.entries(changes).map(([name, improvements]) => ({ name: `${mode} + ${name}`, mode, improvements }));

const { direction, "large t": largeT } = alone as Record<string, Improvements>;

/** The paper's setting, each improvement alone over it, all of them jointly; the product's, what it leaves out, its words' own rows to begin with, other numbers of tokens, and its
 * background term at SingleInsert's weight and as a mere mask, the picture alone, and the rows of single steps. The authors of the direction update
 * multiply its step by their batch of 4 in their experiments: both are here. */
export const variants: readonly Variant[] = [
  { name: "paper", mode: "paper", improvements: {} },
  ...over("paper", alone),
  { name: "paper + direction × 4", mode: "paper", improvements: { update: "direction" }, learningRate: 4e-2 },
  ...over("paper", { joint, "joint, adamw": { ...joint, update: "adamw" } }),
  { name: "product", mode: "product", improvements: {} },
  ...over("product", { direction, "large t": largeT } as Record<string, Improvements>),
  ...over("product", {
    "background 1": { background: 1 },
    "no look": { look: false },
    "no more tokens": { moreTokens: 0 },
    "four more tokens": { moreTokens: 4 },
    "no recompositions": { recompositions: 0 },
    "no averaging": { averaging: false },
    "mask 0.1, no background": { maskFloor: 0.1, background: 0 },
  }),
];

/** The learning loop's options of a variant. `learningRate` is AdamW's. */
export function optionsOf(
  model: OpenedModel,
  { mode, improvements, learningRate }: Variant,
  given: Pick<LearnOptions, "steps" | "batch" | "seed"> & { readonly learningRate?: number | undefined },
): LearnOptions {
  const rate = learningRate ?? (improvements.update === "direction" ? undefined : given.learningRate);
  return defaultsOf(model, mode, { ...given, learningRate: rate }, improvements);
}

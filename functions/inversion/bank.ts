import type { OpenedModel } from "../models/open-model.ts";
import { normal } from "../tensor/noise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { classPredictions, type PredictionOptions } from "./background.ts";
import { denoisingLosses, type Example } from "./examples.ts";
import { templates } from "./templates.ts";
import { meanLatents, promptOf, type View } from "./views.ts";

/** Fixed examples, the same at every evaluation: the only readable loss curve. */
export type Bank = readonly Example[];

export interface BankOptions {
  /** Pairs of noise and timestep; timesteps are stratified over 0…N−1. */
  readonly size: number;
  readonly seed: number;
  /** Banks of different names share no noise: what chooses the best step must not report it. `background`: what is trained
   * on, where predictions are kept; `counterfactual`: other scenes. */
  readonly name: "keep-best" | "report" | "background" | "counterfactual";
  /** In turn, as the views; the templates that training draws from when absent. */
  readonly prompts?: readonly string[];
}

/** The views in turn, each as its mean latents, in order of timesteps. */
export function makeBank(
  model: OpenedModel,
  views: readonly View[],
  { size, seed, name, prompts = templates }: BankOptions,
): Bank {
  const latents = views.map((view) => meanLatents(model, view));
  return Array.from({ length: size }, (_, i) => {
    const clean = latents[i % views.length] as Tensor;
    const view = views[i % views.length] as View;
    return {
      template: promptOf(prompts[i % prompts.length] as string, view),
      latents: clean,
      noise: normal(clean.shape, { seed, stream: ["bank", name, i] }),
      timestep: Math.floor(((i + 0.5) / size) * model.alphasCumprod.length),
      cells: view.cells,
    };
  });
}

/** The bank with what the class word predicts for each example, computed once. */
export async function withClassPredictions(
  model: OpenedModel,
  bank: Bank,
  className: string,
  options: PredictionOptions,
): Promise<Bank> {
  const predictions = await classPredictions(model, className, bank, options);
  return bank.map((example, i) => ({ ...example, classPrediction: predictions[i] as Tensor }));
}

/** Mean loss of rows over a bank, `batch` examples at a time. */
export async function bankLoss(model: OpenedModel, rows: Tensor, bank: Bank, batch: number): Promise<number> {
  let sum = 0;
  for (let i = 0; i < bank.length; i += batch) {
    const { losses } = await denoisingLosses(model, rows, bank.slice(i, i + batch), { withGradient: false });
    for (const loss of losses) sum += loss;
  }
  return sum / bank.length;
}

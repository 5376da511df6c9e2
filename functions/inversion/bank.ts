import type { OpenedModel } from "../models/open-model.ts";
import { normal } from "../tensor/noise.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { denoisingLosses, type Example } from "./examples.ts";
import { templates } from "./templates.ts";

/** Fixed examples, the same at every evaluation: the only readable loss curve. */
export type Bank = readonly Example[];

export interface BankOptions {
  /** Pairs of noise and timestep; timesteps are stratified over 0…N−1. */
  readonly size: number;
  readonly seed: number;
  /** Banks of different names share no noise: what chooses the best step must not report it. */
  readonly name: "keep-best" | "report";
  /** Loss weight per cell, f32 [1, 1, h, w]. */
  readonly weights: Tensor;
}

/** @param latents the picture's clean, scaled latents, f32 [1, C, h, w] */
export function makeBank(model: OpenedModel, latents: Tensor, { size, seed, name, weights }: BankOptions): Bank {
  return Array.from({ length: size }, (_, i) => ({
    template: templates[i % templates.length] as string,
    latents,
    noise: normal(latents.shape, { seed, stream: ["bank", name, i] }),
    timestep: Math.floor(((i + 0.5) / size) * model.alphasCumprod.length),
    weights,
  }));
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

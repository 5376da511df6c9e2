import type { OpenedModel } from "../models/open-model.ts";
import type { Picture } from "../tensor/pixels.ts";
import { type Bank, makeBank } from "./bank.ts";
import { encodeViews } from "./views.ts";

/** The same thing in a scene that learning never saw, drawn truly: composites have a ground truth that photographs lack. */
export interface Composite {
  /** The prompt that tells the scene, `{}` for the thing: `{} on a beach`. */
  readonly scene: string;
  /** Squashed to the model's side, H = W = model.side. */
  readonly picture: Picture;
}

/** The bank of the counterfactual loss: `<x> in <scene>` must denoise the true composite. `bankLoss` of rows over it needs no
 * judge, and tells a thing learned from a frame memorised. Every composite as often, without mask or flip, its timesteps
 * spread over the whole range, noise that neither training nor another bank draws. One bank serves every arm of a comparison.
 * At least `size` examples: the next multiple of the number of composites.
 * @throws Error without composites, or for a scene without `{}` */
export async function counterfactualBank(
  model: OpenedModel,
  composites: readonly Composite[],
  { size = 64, seed }: { readonly size?: number; readonly seed: number },
): Promise<Bank> {
  if (composites.length === 0) throw new Error("counterfactual bank: there is no composite");
  const prompts = composites.map(({ scene }) => scene);
  for (const scene of prompts) {
    if (scene.split("{}").length !== 2) throw new Error(`counterfactual bank: "${scene}" must have {} exactly once`);
  }
  const views = await encodeViews(model, composites, { flip: false, maskFloor: 1, background: 0 });
  const whole = Math.ceil(size / composites.length) * composites.length;
  return makeBank(model, views, { size: whole, seed, name: "counterfactual", prompts });
}

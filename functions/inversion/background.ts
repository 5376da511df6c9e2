import { addNoise } from "../diffusion/noise-levels.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { promptTokens } from "../models/prompt-tokens.ts";
import { concat, part, stack } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Example } from "./examples.ts";

export interface PredictionOptions {
  readonly batch: number;
  readonly signal?: AbortSignal | undefined;
}

/** What the network predicts for each example when its prompt says `className` in the concept's place, each f32 [1, C, h, w].
 * The target of SingleInsert's background term (Wu et al. 2023, arXiv 2310.08094, stage 1): outside its mask a concept should
 * look like any thing of its class would, not like this picture's background. @throws the reason of `signal` */
export async function classPredictions(
  model: OpenedModel,
  className: string,
  examples: readonly Example[],
  { batch, signal }: PredictionOptions,
): Promise<readonly Tensor[]> {
  const predictions: Tensor[] = [];
  for (let i = 0; i < examples.length; i += batch) {
    signal?.throwIfAborted();
    const some = examples.slice(i, i + batch);
    const prompts = some.map(({ template }) => promptTokens(model, [template.split("{}").join(className)]).embeddings);
    const timesteps = some.map(({ timestep }) => timestep);
    const clean = concat(some.map(({ latents }) => latents));
    const noisy = addNoise(model, clean, concat(some.map(({ noise }) => noise)), timesteps);
    const predicted = await model.predict(noisy, timesteps, await model.encodeText(stack(prompts)));
    predictions.push(...some.map((_, j) => part(predicted, j, j + 1)));
  }
  return predictions;
}

import { target } from "../diffusion/denoiser.ts";
import { addNoise } from "../diffusion/noise-levels.ts";
import type { Feeds, OpenedModel } from "../models/open-model.ts";
import { type ConceptPlace, promptTokens } from "../models/prompt-tokens.ts";
import { timestepFeatures } from "../models/unet.ts";
import { concat, stack } from "../tensor/batch.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import { blendTargets } from "./blend-targets.ts";
import { type LossShape, lossGraph } from "./loss-graph.ts";
import type { CellWeights } from "./loss-weights.ts";

/** One thing to denoise: a training or a bank example. */
export interface Example {
  readonly template: string;
  /** Clean, scaled latents f32 [1, C, h, w]. */
  readonly latents: Tensor;
  /** f32 [1, C, h, w] */
  readonly noise: Tensor;
  readonly timestep: number;
  readonly cells: CellWeights;
  /** What the class word alone predicts here, f32 [1, C, h, w]: the target of the cells' background share. */
  readonly classPrediction?: Tensor;
}

export interface Losses {
  /** One per example, in order. */
  readonly losses: readonly number[];
  /** d mean(losses) / d rows, f32 [n · D]; only when asked for. */
  readonly gradient?: Float32Array;
}

/** Loss, and gradient in the concept's rows, of one batch of examples. `wordScale` multiplies every embedding that is
 * not the concept's own (the paper's code decays the whole table; see learn.ts). */
export async function denoisingLosses(
  model: OpenedModel,
  rows: Tensor,
  examples: readonly Example[],
  { withGradient, wordScale = 1 }: { readonly withGradient: boolean; readonly wordScale?: number },
): Promise<Losses> {
  const prompts = examples.map(({ template }) => {
    const [before = "", after = ""] = template.split("{}");
    const { embeddings, concepts } = promptTokens(model, [before, { name: "the concept", rows }, after]);
    const place = concepts[0] as ConceptPlace;
    return { place, embeddings: wordScale === 1 ? embeddings : scaleWords(embeddings, place, wordScale) };
  });
  const clean = concat(examples.map((example) => example.latents));
  const noise = concat(examples.map((example) => example.noise));
  const timesteps = examples.map((example) => example.timestep);
  const embeddings = stack(prompts.map((prompt) => prompt.embeddings));
  const targets = examples.map((example) => targetOf(model, example));
  const outputs = await model.run(
    withGradient ? "loss and gradient" : "loss",
    (feeds) => lossGraph(model.parts, shapeOf(feeds), withGradient),
    {
      embeddings,
      latents: addNoise(model, clean, noise, timesteps),
      timeFeatures: timestepFeatures(model.parts.unet.config, timesteps),
      target: concat(targets.map((one) => one.target)),
      weights: concat(examples.map(({ cells }) => cells.weights)),
    },
  );
  const losses = [...(outputs["losses"] as Tensor).data].map((loss, i) => loss + (targets[i]?.constant ?? 0));
  const { gradient } = outputs;
  return gradient
    ? {
        losses,
        gradient: gather(
          gradient,
          prompts.map((prompt) => prompt.place),
          rows,
        ),
      }
    : { losses };
}

function shapeOf(feeds: Feeds): LossShape {
  const { embeddings, latents } = feeds as { readonly embeddings: Tensor; readonly latents: Tensor };
  const [batch, tokens] = embeddings.shape as [number, number, number];
  return { batch, tokens, latentShape: latents.shape.slice(1) };
}

/** The noise or velocity that was added; where the background counts, blended with what the class word predicts. */
function targetOf(
  model: OpenedModel,
  { latents, noise, timestep, cells: { weights, backgroundShare }, classPrediction }: Example,
): { readonly target: Tensor; readonly constant: number } {
  const plain = target(model, latents, noise, [timestep]);
  if (!backgroundShare || !classPrediction) return { target: plain, constant: 0 };
  return blendTargets(plain, classPrediction, weights, backgroundShare);
}

/** Of the mean loss: averages each example's gradient at the positions where the concept stood. */
function gather(gradient: Tensor, places: readonly ConceptPlace[], rows: Tensor): Float32Array {
  const [, length, width] = gradient.shape as [number, number, number];
  const sum = new Float32Array(rows.data.length);
  for (const [i, { start, count }] of places.entries()) {
    const offset = (i * length + start) * width;
    for (let j = 0; j < count * width; j++) sum[j] = (sum[j] as number) + (gradient.data[offset + j] as number);
  }
  return sum.map((value) => value / places.length);
}

function scaleWords(embeddings: Tensor, { start, count }: ConceptPlace, factor: number): Tensor {
  const width = embeddings.shape[1] as number;
  const isConcept = (i: number): boolean => i >= start * width && i < (start + count) * width;
  return tensor(
    embeddings.data.map((x, i) => (isConcept(i) ? x : x * factor)),
    embeddings.shape,
  );
}

import type { SamplerName } from "../../shared/job.ts";
import { type PromptPart, parsePrompt } from "../../shared/prompt.ts";
import { expandBlends, type Resolve } from "../concepts/expand-blends.ts";
import { sample } from "../diffusion/sample.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { part } from "../tensor/batch.ts";
import { fromTensor, type Picture } from "../tensor/pixels.ts";
import type { Shape } from "../tensor/tensor.ts";
import { type FindRows, promptContext } from "./prompt-context.ts";

export interface DrawOptions {
  readonly prompt: readonly PromptPart[];
  readonly negative: string;
  readonly findRows: FindRows;
  /** What a name means, so that saved blends are written out; without it every name has rows of its own. */
  readonly resolve?: Resolve | undefined;
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly guidance: number;
  /** One picture each. */
  readonly seeds: readonly number[];
  /** [C, h, w]; the model's own when absent. */
  readonly latentShape?: Shape | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DrawProgress {
  readonly done: number;
  readonly total: number;
}

export interface Drawn {
  readonly pictures: readonly Picture[];
  readonly notes: readonly string[];
}

/** Prompt → context → latents → pixels. Yields after every call of the network. */
export async function* drawPictures(
  model: OpenedModel,
  options: DrawOptions,
): AsyncGenerator<DrawProgress, Drawn, void> {
  const { resolve, findRows } = options;
  const contextOf = async (parts: readonly PromptPart[]) =>
    promptContext(model, resolve ? await expandBlends(parts, resolve) : parts, findRows);
  const { context, notes } = await contextOf(options.prompt);
  const guided = options.guidance !== 1;
  const negative = guided ? await contextOf(parsePrompt(options.negative)) : undefined;
  const latents = yield* sample({
    model,
    sampler: options.sampler,
    steps: options.steps,
    guidance: options.guidance,
    seeds: options.seeds,
    context,
    ...(negative && { negativeContext: negative.context }),
    ...(options.latentShape && { latentShape: options.latentShape }),
    ...(options.signal && { signal: options.signal }),
  });
  const pictures: Picture[] = [];
  // One at a time: the decoder works at full resolution and is the peak of memory.
  for (let i = 0; i < options.seeds.length; i++) {
    pictures.push(...fromTensor(await model.decodeLatents(part(latents, i, i + 1))));
  }
  return { pictures, notes: [...new Set([...notes, ...(negative?.notes ?? [])])] };
}

/** Runs a drawing to its end for callers that show no progress. */
export async function drawn(drawing: AsyncGenerator<DrawProgress, Drawn, void>): Promise<Drawn> {
  for (;;) {
    const next = await drawing.next();
    if (next.done) return next.value;
  }
}

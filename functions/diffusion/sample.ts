import { UserError } from "../../shared/error.ts";
import type { SamplerName } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import type { Model } from "../models/model.ts";
import { concat, part, stack } from "../tensor/batch.ts";
import { normal } from "../tensor/noise.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";
import { readerOf } from "./denoiser.ts";
import { guided } from "./guidance.ts";
import { type NoiseLevel, signalOf } from "./noise-levels.ts";
import { samplers } from "./samplers/index.ts";
import type { Plan } from "./samplers/sampler.ts";
import { weightedSum } from "./weighted-sum.ts";

/** What to sample. B pictures: one per seed. */
export interface SampleOptions {
  readonly model: Pick<Model, "predict" | "alphasCumprod" | "scheduler" | "prediction" | "latentShape">;
  readonly sampler: SamplerName;
  /** 1…limits.maxSamplerSteps. */
  readonly steps: number;
  /** Context of the prompt: f32 [1, T, D] for all pictures, or [B, T, D]. */
  readonly context: Tensor;
  /** Context of the negative prompt, or of the empty text; shaped as `context` may be. Not needed at guidance 1. */
  readonly negativeContext?: Tensor;
  /** Guidance scale; 1 is none. */
  readonly guidance: number;
  /** One picture per seed; a picture depends on its own seed alone, not on its neighbours or on `maxBatch`. */
  readonly seeds: readonly number[];
  /** Latents of one picture [C, h, w], where it is not the model's own size. */
  readonly latentShape?: Shape;
  /** Standard normal noise f32 [B, C, h, w] to start from instead of that of the seeds. */
  readonly noise?: Tensor;
  /** Most pictures in one batch (guidance doubles it inside the network). */
  readonly maxBatch?: number;
  /** Stops before the next call of the network. */
  readonly signal?: AbortSignal;
}

/** After each call of the network. */
export interface SampleProgress {
  /** Calls done so far and in all, over all batches. */
  readonly done: number;
  readonly total: number;
  /** Index of the first picture of the batch at work. */
  readonly first: number;
  /** Predicted clean latents of that batch, scaled, f32 [b, C, h, w]: decode them for a preview. */
  readonly clean: Tensor;
}

/** Draws latents: noise from the seeds, moved from level to level by the sampler's step rule. Returns scaled latents
 * f32 [B, C, h, w] in the order of the seeds.
 * @throws UserError bad_request (steps, guidance), engine_failed (the network returned NaN or infinity), or the reason of `signal` */
export async function* sample(options: SampleOptions): AsyncGenerator<SampleProgress, Tensor, void> {
  const { model, seeds, steps, latentShape = model.latentShape, maxBatch = 4 } = options;
  if (seeds.length === 0) throw new UserError("bad_request", "expected at least one picture, got none");
  const most = Math.min(limits.maxSamplerSteps, model.alphasCumprod.length - 1);
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    throw new UserError("bad_request", `steps must be a whole number from 1 to ${most}, got ${steps}`);
  }
  const noise = options.noise ?? stack(seeds.map((seed) => normal(latentShape, { seed, stream: "latents" })));
  const plan = samplers[options.sampler].plan(model, steps);
  const calls = plan.levels.length - 1;
  const batches = evenBatches(seeds.length, maxBatch);
  const latents: Tensor[] = [];
  for (const [i, [from, to]] of batches.entries()) {
    for await (const call of sampleBatch(options, plan, part(noise, from, to), from)) {
      latents[i] = call.latents;
      yield { done: i * calls + call.done, total: batches.length * calls, first: from, clean: call.clean };
    }
  }
  return concat(latents);
}

/** The pictures first, first + 1, … of the noise [b, C, h, w] at once; `latents` are scaled, and done after the last call. */
async function* sampleBatch(options: SampleOptions, { levels, start }: Plan, noise: Tensor, first: number) {
  const { model, guidance, context, negativeContext, signal } = options;
  const rule = samplers[options.sampler].rule();
  const read = readerOf(model);
  const count = noise.shape[0] ?? 0;
  const predict = guided(model, {
    context: contextOf(context, first, count),
    guidance,
    ...(negativeContext && { negativeContext: contextOf(negativeContext, first, count) }),
  });
  let x = weightedSum([start, noise]);
  for (const [i, next] of levels.slice(1).entries()) {
    const at = levels[i] as NoiseLevel;
    signal?.throwIfAborted();
    const output = await predict(weightedSum([signalOf(at.sigma), x]), at.timestep);
    signal?.throwIfAborted();
    assertFinite(output, at);
    const reading = read(output, x, at);
    x = rule({ x, output, ...reading, at, next, read });
    yield { done: i + 1, clean: reading.clean, latents: weightedSum([signalOf(next.sigma), x]) };
  }
}

function assertFinite(output: Tensor, { timestep }: NoiseLevel): void {
  if (output.data.every(Number.isFinite)) return;
  throw new UserError(
    "engine_failed",
    `expected finite numbers from the network at timestep ${timestep}, got NaN or infinity; its weights may be damaged`,
  );
}

/** The least number of batches, all of nearly one size: a compiled network is made for one size. */
function evenBatches(count: number, maxBatch: number): [from: number, to: number][] {
  if (!Number.isInteger(maxBatch) || maxBatch < 1)
    throw new Error(`sample: maxBatch must be 1 or more, got ${maxBatch}`);
  const batches = Math.ceil(count / maxBatch);
  return Array.from({ length: batches }, (_, i) => [
    Math.floor((i * count) / batches),
    Math.floor(((i + 1) * count) / batches),
  ]);
}

/** `count` rows of a context from `first` on, or its one row for each of them. */
function contextOf(context: Tensor, first: number, count: number): Tensor {
  return context.shape[0] === 1 ? concat(new Array<Tensor>(count).fill(context)) : part(context, first, first + count);
}

import type { LossPoint } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { OpenedModel } from "../models/open-model.ts";
import type { Mask } from "../tensor/mask.ts";
import { integers, normal, uniform } from "../tensor/noise.ts";
import type { Picture } from "../tensor/pixels.ts";
import { type Tensor, tensor, zeros } from "../tensor/tensor.ts";
import { adamW, adamWDefaults } from "./adamw.ts";
import { type Bank, bankLoss, makeBank } from "./bank.ts";
import { denoisingLosses, type Example } from "./examples.ts";
import type { Initialiser } from "./initialiser.ts";
import type { LearnOptions } from "./learn-options.ts";
import { freshState, type LearnState } from "./learn-state.ts";
import { evenWeights, maskWeights } from "./loss-weights.ts";
import { drawLatents, encodePosteriors, type Posterior } from "./posterior.ts";
import { templates } from "./templates.ts";

export interface LearnInput {
  readonly model: OpenedModel;
  /** Squashed to the model's side, H = W = model.side. */
  readonly picture: Picture;
  /** Of the same size; absent: the whole picture counts. */
  readonly mask?: Mask;
  readonly initialiser: Initialiser;
  readonly options: LearnOptions;
  /** Where an earlier run stopped. */
  readonly resume?: LearnState;
  readonly signal?: AbortSignal;
}

/** After each step (and once before the first): the state as it stands. Consumers take previews and checkpoints from
 * it; `evaluated` is set on steps that asked the keep-best bank. */
export interface LearnProgress {
  readonly state: LearnState;
  readonly evaluated: boolean;
}

/** Examples of the keep-best bank, and of the bank that reports. */
const keepBestSize = 8;
export const reportSize = 64;

/** Textual inversion (Gal et al. 2022) from a supreme initialisation (Qiu, Guo & Wei): optimises n embedding rows through
 * the frozen model so that the templates with them in it denoise the picture. Every random number is counted from
 * seed and step, so a run resumed from any state continues bit for bit as if it had never stopped (on one machine and
 * thread count).
 * @throws UserError engine_failed when the engine died or the loss is no longer finite; the reason of `signal` */
export async function* learn(input: LearnInput): AsyncGenerator<LearnProgress, LearnState, void> {
  const { model, options, signal } = input;
  const posteriors = await encodePosteriors(model, input.picture, options.flip);
  const masked = weightsOf(input);
  const bank = keepBestBank(input, posteriors, masked);
  let state = input.resume ?? (await evaluated(input, bank, freshState(input.initialiser.rows)));
  yield { state, evaluated: input.resume === undefined && bank !== undefined };
  while (state.step < options.steps && state.stale < options.patience) {
    signal?.throwIfAborted();
    state = await step(input, posteriors, masked, state);
    const due = bank !== undefined && (state.step % options.evaluateEvery === 0 || state.step === options.steps);
    if (due) state = await evaluated(input, bank, state);
    yield { state, evaluated: due };
  }
  // Without a bank nothing can tell a better step from a worse one: the last is kept, as the paper does.
  return bank ? state : { ...state, best: { step: state.step, rows: state.rows, loss: state.curve.at(-1)?.loss ?? 0 } };
}

/** Mean loss of rows on the reporting bank: ≥ 64 stratified examples that neither training nor keep-best ever saw, no
 * mask, so that modes compare. */
export async function reportLoss(
  input: Pick<LearnInput, "model" | "picture" | "options">,
  rows: Tensor,
): Promise<number> {
  const { model, options, picture } = input;
  const posteriors = await encodePosteriors(model, picture, false);
  const latents = meanLatents(model, posteriors);
  const weights = evenWeights(latents.shape.slice(1));
  const bank = makeBank(model, latents, { size: reportSize, seed: options.seed, name: "report", weights });
  return bankLoss(model, rows, bank, options.batch);
}

async function step(
  { model, options }: LearnInput,
  posteriors: readonly Posterior[],
  masked: Tensor,
  state: LearnState,
): Promise<LearnState> {
  const examples = trainingExamples(model, options, posteriors, masked, state.step);
  const decay = 1 - options.learningRate * adamWDefaults.weightDecay;
  const wordScale = options.decayWords ? decay ** state.step : 1;
  const { losses, gradient } = await denoisingLosses(model, state.rows, examples, { withGradient: true, wordScale });
  const loss = losses.reduce((sum, l) => sum + l, 0) / losses.length;
  if (!gradient || !Number.isFinite(loss) || !gradient.every(Number.isFinite)) {
    throw new UserError(
      "engine_failed",
      `The loss became ${loss} at step ${state.step}. Use a smaller learning rate than ${options.learningRate}.`,
    );
  }
  const { parameter, moments } = adamW(state.rows.data, gradient, state.moments, {
    ...adamWDefaults,
    learningRate: options.learningRate,
    weightDecay: options.weightDecay,
  });
  const rows = tensor(parameter, state.rows.shape);
  const point: LossPoint = { step: state.step + 1, loss };
  return { ...state, step: point.step, rows, moments, curve: [...state.curve, point] };
}

/** The B examples of one step. Per example: template, flip, posterior sample, timestep, noise. Benchmarks replay them. */
export function trainingExamples(
  model: OpenedModel,
  options: LearnOptions,
  posteriors: readonly Posterior[],
  masked: Tensor,
  step: number,
): readonly Example[] {
  const { batch, seed } = options;
  const draw = (what: string) => ({ seed, stream: ["learn", step, what] });
  const chosen = integers(batch, templates.length, draw("template"));
  const views = integers(batch, posteriors.length, draw("flip"));
  const times = uniform(batch, draw("timestep"));
  const unmasked = (uniform(1, draw("mask"))[0] as number) < options.unmaskedShare;
  const weights = unmasked ? evenWeights(masked.shape.slice(1)) : masked;
  const { shape } = (posteriors[0] as Posterior).mean;
  return Array.from({ length: batch }, (_, i) => {
    const position = options.stratified ? (i + (times[i] as number)) / batch : (times[i] as number);
    const view = posteriors[views[i] as number] as Posterior;
    const sampled = normal(shape, { seed, stream: ["learn", step, "posterior", i] });
    return {
      template: templates[chosen[i] as number] as string,
      latents: drawLatents(view, sampled, model.scalingFactor),
      noise: normal(shape, { seed, stream: ["learn", step, "noise", i] }),
      timestep: Math.floor(position * model.alphasCumprod.length),
      weights,
    };
  });
}

const weightsOf = ({ model, mask, options }: LearnInput): Tensor =>
  mask && options.maskFloor < 1
    ? maskWeights(mask, model.latentShape, options.maskFloor)
    : evenWeights(model.latentShape);

const meanLatents = (model: OpenedModel, posteriors: readonly Posterior[]): Tensor => {
  const posterior = posteriors[0] as Posterior;
  return drawLatents(posterior, zeros(posterior.mean.shape), model.scalingFactor);
};

function keepBestBank(
  { model, options }: LearnInput,
  posteriors: readonly Posterior[],
  weights: Tensor,
): Bank | undefined {
  if (options.evaluateEvery === 0) return undefined;
  const latents = meanLatents(model, posteriors);
  return makeBank(model, latents, { size: keepBestSize, seed: options.seed, name: "keep-best", weights });
}

/** Asks the bank and keeps the rows when they are the best so far. */
async function evaluated(
  { model, options }: LearnInput,
  bank: Bank | undefined,
  state: LearnState,
): Promise<LearnState> {
  if (!bank) return state;
  const loss = await bankLoss(model, state.rows, bank, options.batch);
  const better = loss < state.best.loss;
  // Before the first step there is no training loss; the bank's stands in.
  const last = state.curve.at(-1) ?? { step: 0, loss };
  const curve = [...state.curve.slice(0, -1), { ...last, bank: loss }];
  return {
    ...state,
    curve,
    best: better ? { step: state.step, rows: state.rows, loss } : state.best,
    stale: better ? 0 : state.stale + 1,
  };
}

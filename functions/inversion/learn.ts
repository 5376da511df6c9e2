import { setImmediate } from "node:timers/promises";
import type { LossPoint } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { cropOnWhite } from "../tensor/crop-on-white.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import { adamW, adamWDefaults } from "./adamw.ts";
import { type Bank, bankLoss, makeBank, withClassPredictions } from "./bank.ts";
import { directionStep } from "./direction.ts";
import { denoisingLosses, type Example } from "./examples.ts";
import type { Initialiser } from "./initialiser.ts";
import type { LearnOptions } from "./learn-options.ts";
import { freshState, type LearnState } from "./learn-state.ts";
import { learningRateAt } from "./learning-rate.ts";
import { recompose } from "./recompose.ts";
import { averageRows } from "./row-average.ts";
import { trainingExamples } from "./training-examples.ts";
import { encodeViews, type Source, type View } from "./views.ts";

/** The first picture of the thing with its mask, and up to four more. Squashed to the model's side, H = W = model.side. */
export interface LearnInput extends Source {
  readonly model: OpenedModel;
  readonly morePictures?: readonly Source[];
  readonly initialiser: Initialiser;
  /** The plain word for the thing, which the background term compares with; the initialiser's words when absent. */
  readonly className?: string;
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
  /** Loss of each example of the step, with its timestep; absent before the first step. */
  readonly examples?: readonly { readonly timestep: number; readonly loss: number }[];
}

/** Examples of the keep-best bank (two for each picture at least), of the bank that reports, and of the one that is trained
 * on where the background term keeps its predictions. */
const keepBestSize = 8;
export const reportSize = 64;
const backgroundSize = 32;

/** What one run computes once. */
interface Prepared {
  readonly views: readonly View[];
  readonly keepBest: Bank | undefined;
  readonly background: Bank | undefined;
}

/** Textual inversion (Gal et al. 2022) from a supreme initialisation (Qiu, Guo & Wei): optimises n embedding rows through
 * the frozen model so that the templates with them in it denoise the picture. Every random number is counted from
 * seed and step, so a run resumed from any state continues bit for bit as if it had never stopped (on one machine and
 * thread count).
 * @throws UserError engine_failed when the engine died or the loss is no longer finite; the reason of `signal` */
export async function* learn(given: LearnInput): AsyncGenerator<LearnProgress, LearnState, void> {
  const { options, signal } = given;
  const input = { ...given, initialiser: { ...given.initialiser, rows: await beginning(given) } };
  const prepared = await prepare(input);
  const bank = prepared.keepBest;
  let state = input.resume ?? (await evaluated(input, bank, freshState(input.initialiser.rows)));
  yield { state, evaluated: input.resume === undefined && bank !== undefined };
  const draw = (step: number) => trainingExamples(input.model, options, prepared.views, step, prepared.background);
  let examples = draw(state.step);
  while (state.step < options.steps && state.stale < options.patience) {
    signal?.throwIfAborted();
    // The next examples do not depend on this step: they are drawn while the engine computes.
    const following = state.step + 1;
    const [stepped, next] = await Promise.all([
      step(input, examples, state),
      setImmediate().then(() => draw(following)),
    ]);
    examples = next;
    state = stepped.state;
    const due = bank !== undefined && (state.step % options.evaluateEvery === 0 || state.step === options.steps);
    if (due) state = await evaluated(input, bank, state);
    yield { state, evaluated: due, examples: stepped.examples };
  }
  // Without a bank nothing can tell a better step from a worse one: the last is kept, as the paper does.
  const judged = bank !== undefined && options.keepBest;
  return judged
    ? state
    : { ...state, best: { step: state.step, rows: state.average, loss: state.curve.at(-1)?.loss ?? 0 } };
}

/** The rows that learning begins with: the initialiser's, or what the model's look encoder makes of them. */
async function beginning({ model, options, initialiser, picture, mask }: LearnInput): Promise<Tensor> {
  const { rows } = initialiser;
  return options.look && model.look && mask ? model.look(cropOnWhite(picture, mask), rows) : rows;
}

/** Mean loss of rows on the reporting bank: ≥ 64 stratified examples that neither training nor keep-best ever saw, no
 * mask, so that modes compare. */
export async function reportLoss(
  input: Pick<LearnInput, "model" | "picture" | "morePictures" | "options">,
  rows: Tensor,
): Promise<number> {
  const { model, options } = input;
  const plain = sourcesOf(input).map(({ picture }) => ({ picture }));
  const views = await encodeViews(model, plain, { flip: false, maskFloor: 1, background: 0 });
  const bank = makeBank(model, views, { size: reportSize, seed: options.seed, name: "report" });
  return bankLoss(model, rows, bank, options.batch);
}

async function step(
  { model, options, initialiser }: LearnInput,
  examples: readonly Example[],
  state: LearnState,
): Promise<Required<Pick<LearnProgress, "state" | "examples">>> {
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
  const point: LossPoint = { step: state.step + 1, loss };
  const moved = update(state, gradient, initialiser.rows, options);
  const average = averageRows(state.average, moved.rows, point.step, options.averaging);
  return {
    state: { ...state, ...moved, average, step: point.step, curve: [...state.curve, point] },
    examples: examples.map(({ timestep }, i) => ({ timestep, loss: losses[i] as number })),
  };
}

/** The optimiser's step, of the kind that the options name. */
function update(
  { step: done, rows, moments }: LearnState,
  gradient: Float32Array,
  initial: Tensor,
  options: LearnOptions,
): Pick<LearnState, "rows" | "moments"> {
  const { weightDecay, priorPull } = options;
  const learningRate = learningRateAt(options, done);
  if (options.update === "direction") {
    // Stateless; its step count goes along so that checkpoints say the same whatever the optimiser.
    const state = { ...moments, step: done + 1 };
    return { rows: directionStep(rows, gradient, initial, { learningRate, priorPull }), moments: state };
  }
  const next = adamW(rows.data, gradient, moments, { ...adamWDefaults, learningRate, weightDecay });
  return { rows: tensor(next.parameter, rows.shape), moments: next.moments };
}

const sourcesOf = ({ picture, mask, morePictures = [] }: Source & Pick<LearnInput, "morePictures">): Source[] => [
  { picture, mask },
  ...morePictures,
];

async function prepare(input: LearnInput): Promise<Prepared> {
  const { model, options, initialiser, signal } = input;
  const { seed, batch } = options;
  const sources = sourcesOf(input);
  const views = await encodeViews(model, sources, options);
  const className = input.className ?? initialiser.text;
  const compared = async (bank: Bank): Promise<Bank> =>
    options.background === 0 ? bank : withClassPredictions(model, bank, className, { batch, signal });
  // Mirror images follow their pictures, and judge nothing; nor does what was put together.
  const upright = views.filter((_, i) => i % (views.length / sources.length) === 0);
  const each = Math.ceil(options.recompositions / sources.length);
  const alone = sources.flatMap((source, i) => recompose(source, each, seed + i));
  const shown = [...views, ...(await encodeViews(model, alone, options))];
  const size = Math.max(keepBestSize, 2 * sources.length);
  return {
    views: shown,
    keepBest:
      options.evaluateEvery === 0
        ? undefined
        : await compared(makeBank(model, upright, { size, seed, name: "keep-best" })),
    background:
      options.background === 0
        ? undefined
        : await compared(makeBank(model, shown, { size: backgroundSize, seed, name: "background" })),
  };
}

/** Asks the bank and keeps the rows when they are the best so far. */
async function evaluated(
  { model, options }: LearnInput,
  bank: Bank | undefined,
  state: LearnState,
): Promise<LearnState> {
  if (!bank) return state;
  const loss = await bankLoss(model, state.average, bank, options.batch);
  const better = loss < state.best.loss;
  // Before the first step there is no training loss; the bank's stands in.
  const last = state.curve.at(-1) ?? { step: 0, loss };
  const curve = [...state.curve.slice(0, -1), { ...last, bank: loss }];
  return {
    ...state,
    curve,
    best: better ? { step: state.step, rows: state.average, loss } : state.best,
    stale: better ? 0 : state.stale + 1,
  };
}

import { epsilonShare } from "../../functions/diffusion/denoiser.ts";
import { type Bank, makeBank } from "../../functions/inversion/bank.ts";
import { counterfactualBank } from "../../functions/inversion/counterfactual-bank.ts";
import { denoisingLosses } from "../../functions/inversion/examples.ts";
import { learn, reportSize } from "../../functions/inversion/learn.ts";
import { type LearnOptions, relativeLearningRate } from "../../functions/inversion/learn-options.ts";
import { optionsOf } from "../../functions/inversion/variants.ts";
import { encodeViews } from "../../functions/inversion/views.ts";
import { rowDrift } from "../../functions/metrics/row-drift.ts";
import type { OpenedModel } from "../../functions/models/open-model.ts";
import { drawn, drawPictures } from "../../functions/tasks/draw-pictures.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import type { Run } from "./plan.ts";
import { initialRows } from "./starts.ts";
import type { RunResult } from "./store.ts";
import type { Thing } from "./things.ts";
import { withMissed } from "./with-missed.ts";

/** Always what the authors' code trains with; banks and runs of one picture share nothing else. */
const batch = 4;
/** Where the paper looks (its appendix A.2), thinned out: steps at which the banks are asked. */
const looks = [0, 5, 10, 15, 25, 50, 75, 100, 150, 200, 300, 400, 700, 1000, 2000, 3000];
/** One bank per picture for every arm, setting and seed, so that their losses are paired. */
const bankSeed = 0;
const drawSteps = 20;

/** Both banks of a thing. */
export interface Banks {
  readonly report: Bank;
  readonly counterfactual: Bank;
}

/** Neither bank holds noise that a run trains on or keeps the best step by; no mask, whatever a setting trains with. */
export async function makeBanks(model: OpenedModel, thing: Thing): Promise<Banks> {
  const views = await encodeViews(model, [thing], { flip: false, maskFloor: 1, background: 0 });
  return {
    report: makeBank(model, views.slice(0, 1), { size: reportSize, seed: bankSeed, name: "report" }),
    counterfactual: await counterfactualBank(model, thing.elsewhere, { size: reportSize, seed: bankSeed }),
  };
}

/** Mean squared error of the predicted noise over a bank, whatever the model predicts. */
export async function epsilonLoss(model: OpenedModel, rows: Tensor, bank: Bank): Promise<number> {
  let sum = 0;
  for (let i = 0; i < bank.length; i += batch) {
    const examples = bank.slice(i, i + batch);
    const { losses } = await denoisingLosses(model, rows, examples, { withGradient: false });
    sum += epsilonSum(
      model,
      examples.map(({ timestep }, j) => ({ timestep, loss: losses[j] as number })),
    );
  }
  return sum / bank.length;
}

const epsilonSum = (model: OpenedModel, examples: readonly { timestep: number; loss: number }[]): number =>
  examples.reduce((sum, { timestep, loss }) => sum + loss * epsilonShare(model, timestep), 0);

/** The learning loop's settings of a run, every one of them. */
function settingsOf(model: OpenedModel, run: Run): LearnOptions {
  const learningRate = run.learningRate === "relative" ? relativeLearningRate(model) : run.learningRate;
  const { steps, seed, mode, improvements } = run;
  const variant = { name: run.variant, mode, improvements, ...(learningRate !== undefined && { learningRate }) };
  return optionsOf(model, variant, { steps, batch, seed });
}

/** Everything that the learning loop is given for a run. */
export function learnInput(model: OpenedModel, run: Run, thing: Thing) {
  const { picture, mask, words } = thing;
  const initialiser = initialRows(model, run, thing);
  const morePictures = thing.more.slice(0, (run.pictures ?? 1) - 1);
  const options = settingsOf(model, run);
  return { model, picture, mask, morePictures, className: words.clickedClass, initialiser, options };
}

/** Steps before the last at which a run looks. */
const looksOf = ({ followed, steps }: Run): readonly number[] =>
  (followed ? looks : [0]).filter((step) => step < steps);

/** Of one look, in steps: both banks forwards. */
const lookCost = 12;
/** How long a run takes, in steps. */
export const lossCost = (run: Run): number => run.steps + lookCost * (looksOf(run).length + 1);

/** Learns once and measures on the way. `each` is told what was done, in steps. */
export async function runOnce(
  bench: Workbench,
  { run, thing, banks }: { readonly run: Run; readonly thing: Thing; readonly banks: Banks },
  each: (cost: number) => void,
): Promise<Omit<RunResult, "key">> {
  const model = await bench.model();
  const input = learnInput(model, run, thing);
  const { initialiser } = input;
  const { steps } = run;
  const loop = learn(input);
  const training: number[] = [];
  const points: RunResult["points"][number][] = [];
  const look = async (step: number, rows: Tensor) => {
    points.push({
      step,
      report: await epsilonLoss(model, rows, banks.report),
      counterfactual: await epsilonLoss(model, rows, banks.counterfactual),
    });
    each(lookCost);
  };
  let next = await loop.next();
  for (; !next.done; next = await loop.next()) {
    const { state, examples } = next.value;
    if (examples) {
      training.push(epsilonSum(model, examples) / examples.length);
      each(1);
    }
    if (looksOf(run).includes(state.step)) await look(state.step, state.average);
  }
  const { best, step: last } = next.value;
  // The last point is of the rows that are kept, whichever step they are from.
  await look(steps, best.rows);
  const missed = looksOf(run).filter((step) => step > last);
  const drift = rowDrift(best.rows, initialiser.rows);
  const meanOf = (of: (row: (typeof drift)[number]) => number) =>
    drift.reduce((sum, row) => sum + of(row), 0) / drift.length;
  return {
    run,
    text: initialiser.text,
    tokens: initialiser.ids.length,
    training,
    points: [...withMissed(points, missed, points.at(-1) as (typeof points)[number])],
    normRatio: meanOf(({ norm, initialNorm }) => norm / initialNorm),
    cosine: meanOf(({ cosine }) => cosine),
    rows: { data: [...best.rows.data], shape: [...best.rows.shape] },
    ...(run.draw && { picture: await drawLearned(bench, best.rows) }),
  };
}

/** The paper's first reconstruction prompt with what was learned → PNG, base64. One seed for all arms. */
async function drawLearned(bench: Workbench, rows: Tensor): Promise<string> {
  const model = await bench.model();
  const { pictures } = await drawn(
    drawPictures(model, {
      prompt: parsePrompt("a photo of a <x>"),
      negative: "",
      findRows: () => Promise.resolve(rows),
      sampler: "dpmpp-2m-karras",
      steps: drawSteps,
      guidance: model.about.defaults.guidance,
      seeds: [1],
    }),
  );
  const [picture] = pictures;
  if (!picture) throw new Error("run: nothing was drawn");
  return Buffer.from(await encodePng(picture)).toString("base64");
}

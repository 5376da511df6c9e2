import { readFile } from "node:fs/promises";
import { target } from "../../functions/diffusion/denoiser.ts";
import { addNoise } from "../../functions/diffusion/noise-levels.ts";
import type { Example } from "../../functions/inversion/examples.ts";
import { initialise } from "../../functions/inversion/initialiser.ts";
import { type LearnInput, learn } from "../../functions/inversion/learn.ts";
import { paperDefaults, relativeLearningRate } from "../../functions/inversion/learn-options.ts";
import { lossGraph } from "../../functions/inversion/loss-graph.ts";
import { trainingExamples } from "../../functions/inversion/training-examples.ts";
import { encodeViews } from "../../functions/inversion/views.ts";
import { type OpenedModel, openModel } from "../../functions/models/open-model.ts";
import { promptTokens } from "../../functions/models/prompt-tokens.ts";
import { concat, stack } from "../../functions/tensor/batch.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";
import { type Tensor, tensor } from "../../functions/tensor/tensor.ts";
import { relativeDifference } from "./agreement.ts";
import { type Measured, modelFolder, ours, pytorch, type Results } from "./contenders.ts";
import { countFlops } from "./count-flops.ts";
import { compare, type Report } from "./report.ts";
import type { BenchSettings } from "./settings.ts";
import { weightBytes } from "./step.ts";

const steps = 100;
const picture = new URL("../../functions/assets/emoji-64/samples/robot.png", import.meta.url);

/** 100 steps of inversion. PyTorch's loop gets the noise, timesteps and prompts that ours draws; ours also encodes the
 * picture and draws the noise within its time. Equal work otherwise: the paper's setting, so no side asks a keep-best bank. */
export async function benchLearn(settings: BenchSettings): Promise<Report> {
  const batch = settings.batch ?? 4;
  const contenders: Measured[] = [];
  let work: { data: Results; extra: object } | undefined;
  let gflop = 0;
  let bytes = 0;
  for (const preset of settings.presets) {
    const contender = await ours(settings, preset, async (engine) => {
      const model = openModel(settings.model, modelFolder(settings), engine);
      const input = await learnInput(model, batch);
      const shape = { batch, tokens: model.tokenizer.length, latentShape: model.latentShape };
      const graph = lossGraph(model.parts, shape, true);
      [gflop, bytes] = [(steps * countFlops(graph)) / 1e9, weightBytes(graph)];
      work ??= { data: await replay(input), extra: optimiserSettings(input) };
      return () => rowsOf(input);
    });
    contenders.push(contender);
  }
  if (!work) throw new Error("learn: no preset to measure");
  const other = await pytorch({ ...settings, threads: settings.threads === 1 ? 2 : 1 }, work);
  await other.run();
  const otherThreads = other.results();
  await other.close();
  if (settings.compile) contenders.push(await pytorch(settings, { ...work, compile: true }));
  return compare(settings, {
    what: `learn: ${settings.model}, ${steps} steps, batch ${batch}`,
    gflop,
    weightBytes: bytes,
    contenders: [...contenders, await pytorch(settings, work)],
    agreement: (mine, theirs) => ({
      "rows, relative difference": relativeDifference(mine["rows"], theirs["rows"]),
      "rows, PyTorch at another thread count": relativeDifference(otherThreads["rows"], theirs["rows"]),
      "rows, how far they moved": relativeDifference(work?.data["rows"], theirs["rows"]),
    }),
  });
}

async function learnInput(model: OpenedModel, batch: number): Promise<LearnInput> {
  const words = { caption: "a blue robot", className: "robot" };
  return {
    model,
    picture: await readPicture(await readFile(picture), { width: model.side, height: model.side }),
    initialiser: initialise(model, "caption", words, { keepArticle: false }),
    options: {
      ...paperDefaults({ steps, batch, seed: 1, learningRate: relativeLearningRate(model) }),
      weightDecay: 0,
      decayWords: false,
      flip: false,
    },
  };
}

async function rowsOf(input: LearnInput): Promise<Results> {
  let rows = input.initialiser.rows;
  for await (const { state } of learn(input)) rows = state.rows;
  return { rows };
}

const optimiserSettings = ({ options: { learningRate, weightDecay } }: LearnInput) => ({ learningRate, weightDecay });

/** Every example of the run as peer.py's learn reads them. */
async function replay({ model, picture, initialiser, options }: LearnInput): Promise<Results> {
  const views = await encodeViews(model, [{ picture }], options);
  const runs = Array.from({ length: steps }, (_, step) =>
    batchOf(model, initialiser.rows, trainingExamples(model, options, views, step)),
  );
  const all = (key: keyof ReturnType<typeof batchOf>): Tensor => stack(runs.map((run) => run[key]));
  return {
    rows: initialiser.rows,
    embeddings: all("embeddings"),
    starts: all("starts"),
    latents: all("latents"),
    timesteps: all("timesteps"),
    target: all("target"),
    weights: all("weights"),
  };
}

function batchOf(model: OpenedModel, rows: Tensor, examples: readonly Example[]) {
  const prompts = examples.map(({ template }) => {
    const [before = "", after = ""] = template.split("{}");
    return promptTokens(model, [before, { name: "the concept", rows }, after]);
  });
  const clean = concat(examples.map((example) => example.latents));
  const noise = concat(examples.map((example) => example.noise));
  const timesteps = examples.map((example) => example.timestep);
  const numbers = (values: readonly number[]): Tensor => tensor(Float32Array.from(values), [values.length]);
  return {
    embeddings: stack(prompts.map((prompt) => prompt.embeddings)),
    starts: numbers(prompts.map((prompt) => prompt.concepts[0]?.start ?? 0)),
    latents: addNoise(model, clean, noise, timesteps),
    timesteps: numbers(timesteps),
    target: target(model, clean, noise, timesteps),
    weights: concat(examples.map(({ cells }) => cells.weights)),
  };
}

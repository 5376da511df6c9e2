import { createHash } from "node:crypto";
import { UserError } from "../../shared/error.ts";
import type { DrawnPicture, LearnInput, TaskEvent } from "../../shared/job.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import type { Concept } from "../concepts/concept-file.ts";
import { learnStrip } from "../drawing/learn-strip.ts";
import { lossChart } from "../drawing/loss-chart.ts";
import { initialise, initialiserOptions, tellText } from "../inversion/initialiser.ts";
import { learn as learnRows } from "../inversion/learn.ts";
import { defaultsOf } from "../inversion/learn-options.ts";
import { decodeState, encodeState, type LearnState } from "../inversion/learn-state.ts";
import { fullWeightShare } from "../inversion/loss-weights.ts";
import { slideRows } from "../inversion/slide-rows.ts";
import type { Source } from "../inversion/views.ts";
import type { TaskContext } from "../jobs/runner.ts";
import { unknownWordsNote } from "../models/unknown-words.ts";
import { encodePng } from "../tensor/encode-picture.ts";
import { type Picture, readPicture } from "../tensor/pixels.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { drawn, drawPictures } from "./draw-pictures.ts";
import { jobSeed } from "./job-seed.ts";
import { learnScenes } from "./learn-scenes.ts";
import { passport } from "./passport.ts";
import type { FindRows } from "./prompt-context.ts";
import { squareSource } from "./square-source.ts";
import { furtherPictures, subjectOf } from "./subject.ts";
import type { Workbench } from "./workbench.ts";

type OpenModel = Awaited<ReturnType<Workbench["model"]>>;

/** Steps between checkpoints. */
const checkpointEvery = 10;

/** One picture → a concept: describes what the input leaves open, learns the rows, draws previews and scenes, saves. */
export async function* learn(bench: Workbench, input: LearnInput, context: TaskContext): AsyncGenerator<TaskEvent> {
  const { files, signal, jobId } = context;
  const model = await bench.model(input.model);
  const picture = await readPicture(await files.read(input.picture));
  yield { type: "progress", stage: "describe", step: 0, total: input.steps };
  const subject = await subjectOf(bench, input, picture, files);
  const further = await furtherPictures(bench, input, files);
  const unknown = unknownWordsNote(model.tokenizer.unknownWords(subject.caption));
  const seed = input.seed ?? jobSeed(jobId);
  const given = { steps: input.steps, batch: input.batch, seed, learningRate: input.learningRate };
  const options = defaultsOf(model, input.mode, given, input.improvements);
  const initialiser = initialise(
    model,
    subject.initialiser,
    subject,
    initialiserOptions(input.mode, input.improvements),
  );
  const scenes = await learnScenes(model, input, input.scenes ?? model.about.defaults.scenes, initialiser.rows);
  yield {
    type: "log",
    text: `learning ${initialiser.ids.length} rows from ${tellText(initialiser.text)} (${initialiser.kind}${options.look && model.look ? ", begun at its look" : ""})`,
  };

  const framing = input.improvements.framing ?? input.mode === "product";
  const keys = [{ source: input.picture, mask: subject.maskKey }, ...further.map(({ keys: ownKeys }) => ownKeys)];
  const run = createHash("sha256")
    .update(JSON.stringify([model.hash, initialiser, options, framing, keys, subject.className]))
    .digest("hex");
  const { resumed, refused } = readCheckpoint(context.checkpoint, run);
  if (refused !== undefined) yield { type: "log", text: `${refused}: learning starts from the first step` };
  const previews: Preview[] = resumed ? await readPreviews(resumed.note, files) : [];
  const wanted = new Set(input.previews.filter((step) => step <= input.steps));
  const sources = await Promise.all(
    [{ picture, mask: subject.mask }, ...further].map((source) => squareSource(source, model.side, framing)),
  );
  const [first, ...morePictures] = sources as [Source, ...Source[]];
  const loop = learnRows({
    ...{ model, ...first, morePictures, className: subject.className },
    initialiser,
    options,
    ...(resumed && { resume: resumed.state }),
    signal,
  });
  const clock = createClock(resumed?.state.step ?? 0, input.steps);
  let next = await loop.next();
  for (; !next.done; next = await loop.next()) {
    const { state } = next.value;
    let preview: DrawnPicture | undefined;
    if (wanted.delete(state.step) && !previews.some(({ step }) => step === state.step)) {
      const shown = await drawPreview(model, input, state.average, seed, state.step, context);
      previews.push(shown);
      preview = shown.drawn;
    }
    if (state.step % checkpointEvery === 0) {
      const note = JSON.stringify(previews.map(({ step, drawn: { key } }) => ({ step, key })));
      await context.saveCheckpoint(encodeState(state, run, note));
    }
    yield progressOf(state, input.steps, clock(state.step), preview);
  }
  const { step: stoppedAt, best, curve } = next.value;
  if (stoppedAt < input.steps && wanted.size > 0 && !previews.some(({ step }) => step === stoppedAt)) {
    previews.push(await drawPreview(model, input, next.value.average, seed, stoppedAt, context));
  }

  const findRows: FindRows = async ({ strength = 1 }) => slideRows(initialiser.rows, best.rows, strength);
  const drawing = sceneDrawing(model, scenes, findRows, seed, signal);
  const tiles: { picture: Picture; caption: string }[] = [];
  for await (const tile of drawing) {
    tiles.push(tile);
    yield { type: "progress", stage: "draw", step: tiles.length, total: scenes.length };
  }
  const title = `<${input.name}>`;
  const shown = further.length > 0 ? ` · the first of ${sources.length} pictures` : "";
  const caption = `${initialiser.kind}: ${tellText(initialiser.text)} · step ${best.step} of ${input.steps} kept · ${model.id}${shown}`;
  const strip = await learnStrip({
    title,
    caption,
    picture,
    mask: subject.mask,
    click: input.click,
    sourceCaption: initialiser.kind === "stars" ? "" : subject.caption,
    previews: previews.toSorted((a, b) => a.step - b.step),
    scenes: tiles,
  });
  const chart = await lossChart({ title, caption, points: [...curve] });
  const pictures = await writePictures(files, { strip, chart, tiles, previews, name: input.name });
  const concept: Concept = {
    rows: best.rows,
    initial: initialiser.rows,
    meta: passport(input, {
      ...{ subject, model, options, initialiser, state: next.value, pictures, jobId },
      morePictures: further.map(({ keys: ownKeys }) => ownKeys),
      created: bench.now().toISOString(),
    }),
  };
  const meta = input.relearn
    ? await bench.library.relearn(input.relearn, { user: input.owner, moderator: false }, concept)
    : await bench.library.save(concept);
  const notes: string[] = [];
  if (unknown) notes.push(`${unknown} Its rows start from letters.`);
  if (meta.name !== input.name) notes.push(`You already have <${input.name}>, so this one is <${meta.name}>.`);
  if (stoppedAt < input.steps)
    notes.push(`Stopped after ${stoppedAt} of ${input.steps} steps: it no longer got better on its bank.`);
  const fullShare = mean(sources.map(({ mask }) => (mask ? fullWeightShare(mask, model.latentShape) : 1)));
  yield { type: "output", output: { task: "learn", concept: meta, pictures, fullWeightShare: fullShare, notes } };
}

/** The state to go on from. A checkpoint that is damaged, or that was written before the model or the settings changed, is no
 * reason to fail: the attempt after it would meet it again. */
function readCheckpoint(
  bytes: Uint8Array | undefined,
  run: string,
): { readonly resumed?: ReturnType<typeof decodeState>; readonly refused?: string } {
  if (bytes === undefined) return {};
  try {
    return { resumed: decodeState(bytes, run) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (error.code === "conflict") return { refused: "the checkpoint is of another picture, model or setting" };
    if (error.code === "bad_safetensors") return { refused: "the checkpoint is damaged" };
    throw error;
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

interface Preview {
  readonly step: number;
  readonly picture: Picture;
  readonly drawn: DrawnPicture;
}

function progressOf(
  state: LearnState,
  total: number,
  etaMs: number | undefined,
  preview: DrawnPicture | undefined,
): TaskEvent {
  const loss = state.curve.at(-1);
  return {
    type: "progress",
    stage: "learn",
    step: state.step,
    total,
    ...(loss && { loss }),
    ...(etaMs !== undefined && { etaMs }),
    ...(preview && { preview }),
  };
}

/** Time left, from the steps taken since the start of this attempt; nothing to go by before the second. */
function createClock(first: number, total: number): (step: number) => number | undefined {
  const start = performance.now();
  return (step) => (step > first ? ((performance.now() - start) / (step - first)) * (total - step) : undefined);
}

/** The same seed for every step, so that previews differ by what was learned alone. */
async function drawPreview(
  model: OpenModel,
  input: LearnInput,
  rows: Tensor,
  seed: number,
  step: number,
  { files, signal }: Pick<TaskContext, "files" | "signal">,
): Promise<Preview> {
  const findRows: FindRows = async () => rows;
  const drawing = settings(model, `a photo of <${input.name}>`, findRows, seed);
  const { pictures } = await drawn(drawPictures(model, { ...drawing, signal }));
  const [picture] = pictures as [Picture];
  const key = await files.write(`preview-${step}.png`, await encodePng(picture));
  const { width, height } = picture;
  return { step, picture, drawn: { key, kind: "preview", width, height, alt: `<${input.name}> at step ${step}` } };
}

/** Those that are still there: old pictures are swept, the checkpoint goes on without them. */
async function readPreviews(note: string, files: TaskContext["files"]): Promise<Preview[]> {
  const list = JSON.parse(note || "[]") as { step: number; key: string }[];
  const read = list.map(async ({ step, key }): Promise<Preview | undefined> => {
    const bytes = await files.read(key).catch((error: unknown) => {
      if (!(error instanceof UserError) || error.code !== "not_found") throw error;
    });
    if (bytes === undefined) return undefined;
    const picture = await readPicture(bytes);
    const { width, height } = picture;
    return { step, picture, drawn: { key, kind: "preview", width, height, alt: `step ${step}` } };
  });
  return (await Promise.all(read)).filter((preview) => preview !== undefined);
}

async function* sceneDrawing(
  model: OpenModel,
  scenes: readonly string[],
  findRows: FindRows,
  seed: number,
  signal: AbortSignal,
) {
  for (const scene of scenes) {
    const { pictures } = await drawn(drawPictures(model, { ...settings(model, scene, findRows, seed), signal }));
    yield { picture: pictures[0] as Picture, caption: scene };
  }
}

const settings = (model: OpenModel, prompt: string, findRows: FindRows, seed: number) => ({
  prompt: parsePrompt(prompt),
  negative: "",
  findRows,
  sampler: "dpmpp-2m-karras" as const,
  steps: model.about.defaults.steps,
  guidance: model.about.defaults.guidance,
  seeds: [seed],
});

async function writePictures(
  files: TaskContext["files"],
  made: {
    readonly strip: Uint8Array;
    readonly chart: Uint8Array;
    readonly tiles: readonly { readonly picture: Picture; readonly caption: string }[];
    readonly previews: readonly Preview[];
    readonly name: string;
  },
): Promise<DrawnPicture[]> {
  const describe = async (
    name: string,
    kind: DrawnPicture["kind"],
    bytes: Uint8Array,
    alt: string,
  ): Promise<DrawnPicture> => {
    const { width, height } = await readPicture(bytes);
    return { key: await files.write(name, bytes), kind, width, height, alt };
  };
  const pictures = [
    await describe(
      "strip.png",
      "strip",
      made.strip,
      `The source with its mask, previews while learning, and <${made.name}> in new scenes`,
    ),
    await describe("loss.png", "chart", made.chart, "Loss while learning"),
  ];
  for (const [i, { picture, caption }] of made.tiles.entries()) {
    pictures.push(await describe(`scene-${i + 1}.png`, "picture", await encodePng(picture), caption));
  }
  return [...pictures, ...made.previews.map((preview) => preview.drawn)];
}

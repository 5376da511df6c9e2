import { UserError } from "../../shared/error.ts";
import type { DrawnPicture, ImagineInput, TaskEvent, UsedConcept } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { type ConceptReference, parsePrompt } from "../../shared/prompt.ts";
import { short } from "../../shared/short.ts";
import type { Concept } from "../concepts/concept-file.ts";
import { slideRows } from "../inversion/slide-rows.ts";
import type { TaskContext } from "../jobs/runner.ts";
import { encodePng, encodeWebp } from "../tensor/encode-picture.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { drawPictures } from "./draw-pictures.ts";
import { jobSeed } from "./job-seed.ts";
import type { Workbench } from "./workbench.ts";

const encoders = { png: encodePng, webp: encodeWebp };

/** Prompt with concepts → pictures. Names resolve as the viewer sees them; the answer says whose were used. */
export async function* imagine(
  bench: Workbench,
  input: ImagineInput,
  { files, signal, attempt, jobId }: TaskContext,
): AsyncGenerator<TaskEvent> {
  const model = await bench.model(input.model);
  const { defaults } = model.about;
  const [steps, guidance] = [input.steps ?? defaults.steps, input.guidance ?? defaults.guidance];
  const seed = input.seed ?? jobSeed(jobId);
  const seeds = Array.from({ length: input.count }, (_, i) => (seed + i) % 2 ** 32);
  const used = new Map<string, UsedConcept>();
  const notes: string[] = [];
  if (guidance === 1 && input.negative.trim() !== "") {
    notes.push("Guidance 1 draws without the negative prompt; with more than 1 it counts.");
  }
  const findRows = async (reference: ConceptReference) => {
    const concept = await loadReference(bench, reference, input.viewer);
    const { meta } = concept;
    if (!used.has(meta.id) && meta.baseModel.hash !== model.hash && meta.baseModel.hash !== "unknown") {
      notes.push(`<${meta.name}> was learned on ${meta.baseModel.id}, not on ${model.id}: it may look different here.`);
    }
    used.set(meta.id, { id: meta.id, version: meta.version, name: meta.name, owner: meta.owner, scope: meta.scope });
    return rowsAt(concept, reference.strength ?? input.strength ?? 1);
  };
  if (attempt > 1) yield { type: "log", text: `attempt ${attempt}` };
  const drawing = drawPictures(model, {
    prompt: parsePrompt(input.prompt),
    negative: input.negative,
    findRows,
    resolve: (named) => bench.library.resolve(named, input.viewer),
    sampler: input.sampler,
    steps,
    guidance,
    seeds,
    latentShape: latentShapeOf(model, input),
    signal,
  });
  let next = await drawing.next();
  for (; !next.done; next = await drawing.next()) {
    yield { type: "progress", stage: "draw", step: next.value.done, total: next.value.total };
  }
  const pictures: DrawnPicture[] = [];
  for (const [i, picture] of next.value.pictures.entries()) {
    const text = provenance(input, {
      model: model.id,
      seed: seeds[i] as number,
      steps,
      guidance,
      used: [...used.values()],
    });
    const bytes = await encoders[input.format](picture, { text });
    const key = await files.write(`picture-${i + 1}.${input.format}`, bytes);
    const { width, height } = picture;
    pictures.push({
      key,
      kind: "picture",
      width,
      height,
      seed: seeds[i] as number,
      prompt: input.prompt,
      alt: short(input.prompt, 1024),
    });
  }
  notes.push(...next.value.notes);
  yield {
    type: "output",
    output: { task: "imagine", pictures, concepts: [...used.values()], seed, notes: notes.slice(0, 10) },
  };
}

async function loadReference(bench: Workbench, reference: ConceptReference, viewer: ImagineInput["viewer"]) {
  const { pin, name } = reference;
  if (pin === undefined) return bench.library.load((await bench.library.resolve(reference, viewer)).id, viewer);
  return bench.library.load(pin.id, viewer, pin.version).catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== "not_found") throw error;
    const why = `<${pin.blend}> is blended from <${name}> v${pin.version}, which is gone or not shared with you.`;
    throw new UserError("not_found", why, { cause: error });
  });
}

/** The concept's rows at a strength. @throws UserError bad_concept when only what it learned is known */
function rowsAt({ meta, rows, initial }: Concept, strength: number): Tensor {
  if (strength === 1) return rows;
  if (initial) return slideRows(initial, rows, strength);
  throw new UserError(
    "bad_concept",
    `<${meta.name}> can be drawn at full strength only: its file does not say what it began as, because it was imported or learned before that was kept. Write <${meta.name}> without a strength${meta.source ? ", or relearn it" : ""}.`,
  );
}

/** [C, h, w] of the wanted size. @throws UserError bad_request where the UNet, which halves it once per level, cannot draw it */
function latentShapeOf(model: Awaited<ReturnType<Workbench["model"]>>, { width, height }: ImagineInput) {
  if (width === undefined && height === undefined) return undefined;
  const [channels, side] = model.latentShape as [number, number];
  const cellPixels = model.side / side;
  const multiple = cellPixels * 2 ** (model.parts.unet.config.block_out_channels.length - 1);
  const cells = (what: string, pixels: number | undefined): number => {
    if (pixels === undefined) return side;
    if (pixels % multiple === 0) return pixels / cellPixels;
    const below = pixels - (pixels % multiple);
    const nearest = [below, below + multiple].filter((size) => size > 0 && size <= limits.maxImagineSidePixels);
    throw new UserError(
      "bad_request",
      `The ${what} is ${pixels} pixels; ${model.id} draws multiples of ${multiple} pixels. The nearest: ${nearest.join(" or ")}.`,
    );
  };
  return [channels, cells("height", height), cells("width", width)];
}

/** What the file says about its own making. Names of concepts, never ids of people. */
function provenance(
  { prompt, negative, sampler, strength }: ImagineInput,
  made: { model: string; seed: number; steps: number; guidance: number; used: readonly UsedConcept[] },
): Record<string, string> {
  const { used, ...settings } = made;
  const concepts = used.map(({ name, version }) => `${name} v${version}`);
  return {
    Software: "Eponym",
    eponym: JSON.stringify({ prompt, negative, sampler, strength, ...settings, concepts, generated: true }),
  };
}

/**
 * What the embedded model makes of free photographs: masks, nouns, colours, and a sheet of pictures.
 *
 *     node test/photos/measure-photos.ts [--steps 100] [--only cat.jpg] [--out out] [--json]
 *
 * `--steps 0` learns nothing: masks and nouns alone.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readConfig } from "../../functions/config.ts";
import { grid, type Tile } from "../../functions/drawing/grid.ts";
import { maskOverlay } from "../../functions/drawing/mask-overlay.ts";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { openStore } from "../../functions/store/open.ts";
import { imagine } from "../../functions/tasks/imagine.ts";
import { learn } from "../../functions/tasks/learn.ts";
import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import { encodeMask, type Mask, overlap } from "../../functions/tensor/mask.ts";
import { type Picture, readPicture, resizePicture } from "../../functions/tensor/pixels.ts";
import { type Described, describePicture } from "../../functions/vision/describe-picture.ts";
import { looksLikePhotograph } from "../../functions/vision/photograph.ts";
import { ImagineInput, LearnInput, type TaskEvent } from "../../shared/job.ts";
import { deltaE, dominantColour, type Lab, mainColours } from "./dominant-colour.ts";
import { type Photograph, readPhotographs } from "./photographs.ts";

/** Masks that overlap the hand-drawn one this much can be learned from. */
const usableOverlap = 0.7;
/** ΔE*ab, CIE 1976, up to which colours count as the same. */
export const nearColour = 20;
const drawingsEach = 4;

export interface PhotographFigures {
  readonly photographs: number;
  /** Shares of all, 0–1. */
  readonly detected: number;
  readonly usableMasks: number;
  /** Of the segmenter alone, without the classical cut. */
  readonly usableLearnedMasks: number;
  readonly meanOverlap: number;
  readonly rightOrNotSure: number;
  readonly notSure: number;
  /** Dominant colour of the drawn concept within ΔE*ab 20 (CIE 1976) of the photograph's; absent where nothing was learned. */
  readonly nearColours?: number;
  readonly each: readonly {
    readonly file: string;
    readonly overlap: number;
    readonly learnedOverlap: number;
    readonly caption: string;
    readonly sure: boolean;
    readonly words: readonly string[];
    readonly right: boolean;
    /** Of each drawing; nothing where nothing was learned. */
    readonly deltaE: readonly number[];
    /** Main colours of each drawing, and of the photograph. */
    readonly colours: { readonly drawn: readonly (readonly Lab[])[]; readonly own: readonly Lab[] };
  }[];
}

/** Describes every photograph at its click and, with `steps`, learns and draws it. `sheet` is a PNG of all of it. */
export async function measurePhotographs(
  bench: Workbench,
  { steps = 100, only }: { readonly steps?: number; readonly only?: string } = {},
): Promise<{ readonly figures: PhotographFigures; readonly sheet: Uint8Array }> {
  const photographs = (await readPhotographs()).filter(({ file }) => only === undefined || file === only);
  const { refine: _refine, ...learnedOnly } = bench.vision;
  const tiles: Tile[] = [];
  const each: PhotographFigures["each"][number][] = [];
  let detected = 0;
  for (const photograph of photographs) {
    const { picture, click, mask, file, nouns } = photograph;
    const wish = { click, level: "object" } as const;
    const [thing] = (await describePicture(bench.vision, picture, wish)) as [Described];
    const [plain] = (await describePicture(learnedOnly, picture, wish)) as [Described];
    detected += Number(await looksLikePhotograph(picture));
    const { caption, sure, className } = thing;
    const right = nouns.some((noun) => caption.endsWith(noun) && className === noun);
    const found = { overlap: overlap(thing.mask, mask), learnedOverlap: overlap(plain.mask, mask) };
    const drawings = steps > 0 ? await drawConcept(bench, photograph, thing, steps) : [];
    const masks: Mask[] = [];
    for (const drawing of drawings) masks.push(await maskOfDrawing(bench, drawing));
    const ofEach = <T>(colourOf: (drawing: Picture, mask: Mask) => T): readonly T[] =>
      drawings.map((drawing, i) => colourOf(drawing, masks[i] as Mask));
    const distances = ofEach(dominantColour).map((colour) => deltaE(colour, dominantColour(picture, mask)));
    each.push({
      ...{ file, ...found, caption, sure, right, words: thing.words.map(({ word }) => word) },
      deltaE: distances,
      colours: { drawn: ofEach(mainColours), own: mainColours(picture, mask) },
    });
    const overlay = await readPicture(await maskOverlay({ picture, mask: thing.mask, click }));
    tiles.push({
      picture: overlay,
      caption: `${sure ? "" : "not sure: "}${caption} · overlap ${found.overlap.toFixed(2)}`,
    });
    for (const [i, drawing] of drawings.entries()) {
      const large = await resizePicture(drawing, { width: 256, height: 256, kernel: "nearest" });
      tiles.push({ picture: large, caption: `learned · ΔE ${distances[i]?.toFixed(0)}` });
    }
  }
  const share = (holds: (one: PhotographFigures["each"][number]) => boolean) => each.filter(holds).length / each.length;
  const figures: PhotographFigures = {
    photographs: each.length,
    detected: detected / each.length,
    usableMasks: share((one) => one.overlap >= usableOverlap),
    usableLearnedMasks: share((one) => one.learnedOverlap >= usableOverlap),
    meanOverlap: each.reduce((sum, one) => sum + one.overlap, 0) / each.length,
    rightOrNotSure: share(({ right, sure }) => right || !sure),
    notSure: share(({ sure }) => !sure),
    ...(steps > 0 && { nearColours: meanOver(each.flatMap((one) => one.deltaE.map((d) => Number(d <= nearColour)))) }),
    each,
  };
  const sheet = await grid({
    title: "Free photographs: what was found, and what it became",
    tiles,
    columns: 1 + (steps > 0 ? drawingsEach : 4),
  });
  return { figures, sheet };
}

const meanOver = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Learns the thing in a folder of its own and draws it with as many seeds as `drawingsEach`. */
async function drawConcept(
  bench: Workbench,
  { picture, click, file }: Photograph,
  thing: Described,
  steps: number,
): Promise<readonly Picture[]> {
  const folder = await mkdtemp(join(tmpdir(), "eponym-photos-"));
  try {
    const files = createTaskFiles(await openStore(`file:${folder}`), "photos");
    const input = LearnInput.parse({
      ...{ task: "learn", click, steps, seed: 0, previews: [], scenes: [] },
      picture: await files.write("picture.png", await encodePng(picture)),
      mask: await files.write("mask.png", await encodeMask(thing.mask)),
      ...{ caption: thing.caption, className: thing.className, initialiser: thing.initialiser },
      ...{ name: `my-${file.replace(/\W.*/, "")}` },
      owner: { id: "1", name: "photos" },
    });
    const signal = new AbortController().signal;
    const context = { jobId: `photos-${file}`, attempt: 1, signal, files, saveCheckpoint: async () => {} };
    const learned = await outputOf(learn(bench, input, context));
    if (learned.task !== "learn") throw new Error(`${file}: nothing was learned`);
    const viewer = { user: input.owner };
    const prompt = `a photo of <${learned.concept.name}>`;
    const wish = ImagineInput.parse({ task: "imagine", prompt, count: drawingsEach, seed: 0, viewer });
    const imagined = await outputOf(imagine(bench, wish, context));
    if (imagined.task !== "imagine") throw new Error(`${file}: nothing was drawn`);
    return await Promise.all(imagined.pictures.map(async ({ key }) => readPicture(await files.read(key))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function outputOf(events: AsyncIterable<TaskEvent>) {
  for await (const event of events) if (event.type === "output") return event.output;
  throw new Error("a task ended without an output");
}

/** Of the thing in the middle of a drawing. */
async function maskOfDrawing({ vision }: Workbench, drawing: Picture) {
  const [thing] = await describePicture(vision, drawing, { click: { x: 0.5, y: 0.5 }, level: "object" });
  return (thing as Described).mask;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      steps: { type: "string", default: "100" },
      only: { type: "string" },
      out: { type: "string", default: "out" },
      json: { type: "boolean", default: false },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "eponym-photos-"));
  const bench = openWorkbench({ ...readConfig(), store: await openStore(`file:${folder}`) });
  const only = values.only === undefined ? {} : { only: values.only };
  const { figures, sheet } = await measurePhotographs(bench, { steps: Number(values.steps), ...only });
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "photographs.png"), sheet);
  const { each, ...all } = figures;
  process.stdout.write(`${JSON.stringify(values.json ? figures : all, null, 2)}\n`);
  if (!values.json) for (const one of each) process.stdout.write(`${JSON.stringify(one)}\n`);
  await bench.close();
  await rm(folder, { recursive: true });
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { openStore } from "../../functions/store/open.ts";
import type { Store } from "../../functions/store/store.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import { encodeMask, maskFrom } from "../../functions/tensor/mask.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";
import {
  ImagineInput,
  type ImagineOutput,
  type JobInput,
  LearnInput,
  type LearnOutput,
  type TaskEvent,
} from "../../shared/job.ts";
import { openTinyBench } from "../support/tiny-bench.ts";

// Any folder in diffusers layout will do: this one is random, in fp16 and bf16, with widths no real model has.
let folder: string;
let store: Store;
let bench: ReturnType<typeof openTinyBench>;
const me = { user: { id: "1", name: "ann" }, moderator: false };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eponym-"));
  store = await openStore(`file:${folder}`);
  bench = openTinyBench(store);
  const pixels = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 31) % 256);
  await store.put("pictures/p.png", await encodePng({ width: 40, height: 30, data: pixels }));
  const other = pixels.map((value) => 255 - value);
  await store.put("pictures/q.png", await encodePng({ width: 40, height: 30, data: other }));
  const half = maskFrom(
    Array.from({ length: 40 * 30 }, (_, i) => Number(i % 40 < 20)),
    40,
    30,
  );
  await store.put("pictures/mask.png", await encodeMask(half));
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  readonly events: readonly TaskEvent[];
  readonly output: unknown;
  readonly checkpoints: readonly Uint8Array[];
}

async function run(
  jobId: string,
  input: JobInput,
  options: { stopAfter?: number; checkpoint?: Uint8Array } = {},
): Promise<Run> {
  const controller = new AbortController();
  const checkpoints: Uint8Array[] = [];
  const events: TaskEvent[] = [];
  const context = {
    jobId,
    attempt: 1,
    signal: controller.signal,
    files: createTaskFiles(store, `jobs/${jobId}`),
    saveCheckpoint: async (bytes: Uint8Array) => {
      checkpoints.push(bytes);
    },
    ...(options.checkpoint && { checkpoint: options.checkpoint }),
  };
  for await (const event of createTaskRunner(bench)(input, context)) {
    events.push(event);
    if (event.type === "progress" && event.stage === "learn" && event.step === options.stopAfter) break;
  }
  const last = events.findLast((event) => event.type === "output");
  return { events, output: last?.type === "output" ? last.output : undefined, checkpoints };
}

const learnInput = LearnInput.parse({
  task: "learn",
  picture: "pictures/p.png",
  mask: "pictures/mask.png",
  caption: "a red mug",
  name: "mymug",
  owner: me.user,
  steps: 20,
  batch: 2,
  seed: 4,
  previews: [0, 10, 20],
  scenes: ["{} in space"],
});

test("learn and imagine work on any diffusers folder", async () => {
  const learned = await run("job-1", learnInput);
  const { concept, pictures } = learned.output as LearnOutput;
  expect(concept).toMatchObject({
    name: "mymug",
    tokens: 4,
    width: 24,
    initialiser: { kind: "caption", text: "red mug * *" },
  });
  expect(pictures.map(({ kind }) => kind)).toEqual(["strip", "chart", "picture", "preview", "preview", "preview"]);
  for (const { key, width, height } of pictures) {
    expect(await readPicture((await store.get(key))?.data as Uint8Array)).toMatchObject({ width, height });
  }
  const progress = learned.events.flatMap((e) => (e.type === "progress" && e.stage === "learn" ? [e.step] : []));
  expect(progress).toEqual(Array.from({ length: 21 }, (_, i) => i));

  const input = ImagineInput.parse({
    task: "imagine",
    prompt: "<mymug> in space",
    count: 2,
    seed: 9,
    steps: 3,
    viewer: me,
  });
  const drawn = (await run("job-2", input)).output as ImagineOutput;
  expect(drawn.concepts.map(({ name }) => name)).toEqual(["mymug"]);
  expect(drawn.pictures.map(({ seed }) => seed)).toEqual([9, 10]);
  const [first] = drawn.pictures;
  const bytes = (await store.get(first?.key as string))?.data as Uint8Array;
  expect(Buffer.from(bytes).toString("latin1")).toContain('"prompt":"<mymug> in space"');
});

test("a photograph that nobody describes starts from no words in product mode, from its caption in the paper's", async () => {
  const small = await readPicture(join(import.meta.dirname, "../photos/cat.jpg"), { width: 160, fit: "inside" });
  await store.put("pictures/photograph.png", await encodePng(small));
  const { caption: _caption, mask: _mask, ...rest } = learnInput;
  const photograph = { ...rest, picture: "pictures/photograph.png", click: { x: 0.5, y: 0.5 }, steps: 1, previews: [] };
  const startOf = async (jobId: string, changes: object) => {
    const { output } = await run(jobId, LearnInput.parse({ ...photograph, name: jobId, ...changes }));
    return (output as LearnOutput).concept.initialiser;
  };
  expect(await startOf("photo-product", {})).toMatchObject({
    kind: "stars",
    text: expect.stringMatching(/^\*( \*)+$/),
  });
  expect(await startOf("photo-paper", { mode: "paper" })).toMatchObject({ kind: "caption" });
});

test("a learn job stopped in the middle goes on from its checkpoint and ends with the same rows", async () => {
  const whole = await run("job-3", learnInput);
  const broken = await run("job-4", learnInput, { stopAfter: 13 });
  expect(broken.output).toBeUndefined();
  const checkpoint = broken.checkpoints.at(-1) as Uint8Array;
  await store.delete("jobs/job-4/preview-0.png");
  const resumed = await run("job-4", learnInput, { checkpoint });
  const rowsOf = async (r: Run) => (await bench.library.load((r.output as LearnOutput).concept.id, me)).rows.data;
  expect(await rowsOf(resumed)).toEqual(await rowsOf(whole));
  // The one that was swept meanwhile is missing, and nothing else.
  expect((resumed.output as LearnOutput).pictures.filter(({ kind }) => kind === "preview")).toHaveLength(2);
});

test("further pictures, each with its mask, and every switch of the job reach the learning and the passport", async () => {
  const improvements = {
    update: "direction",
    maskFloor: 0,
    background: 1,
    recompositions: 2,
    largeTimesteps: 0.5,
    framing: false,
  } as const;
  const wanted = {
    ...learnInput,
    name: "twopics",
    morePictures: [{ picture: "pictures/q.png", mask: "pictures/mask.png" }],
  };
  const { output } = await run("job-20", LearnInput.parse({ ...wanted, improvements }));
  const { concept, fullWeightShare } = output as LearnOutput;
  expect(concept).toMatchObject({ improvements, morePictures: [{}] });
  // Half of each picture is masked; the mask's growth takes no further cell.
  expect(fullWeightShare).toBe(0.5);
  expect(concept.morePictures?.[0]?.source).toMatch(/^concepts\/.*source-2-1\.png$/);
  const { rows } = await bench.library.load(concept.id, me);
  const norms = (data: Float32Array) => [0, 1].map((i) => Math.hypot(...data.subarray(i * 24, (i + 1) * 24)));
  const model = await bench.model();
  const initial = norms(model.embed(model.tokenizer.encode("red mug")).data);
  for (const [i, norm] of norms(rows.data).entries()) expect(norm / (initial[i] as number)).toBeCloseTo(1, 6);

  const plain = (await run("job-21", LearnInput.parse({ ...wanted, morePictures: [], improvements })))
    .output as LearnOutput;
  expect((await bench.library.load(plain.concept.id, me)).rows.data).not.toEqual(rows.data);
  expect(plain.concept.morePictures).toBeUndefined();
});

test("a job of several pictures goes on from its checkpoint", async () => {
  const several = { ...learnInput, morePictures: [{ picture: "pictures/q.png", mask: "pictures/mask.png" }] };
  const input = LearnInput.parse(several);
  const whole = await run("job-22", input);
  const broken = await run("job-23", input, { stopAfter: 13 });
  const resumed = await run("job-23", input, { checkpoint: broken.checkpoints.at(-1) as Uint8Array });
  const rowsOf = async (r: Run) => (await bench.library.load((r.output as LearnOutput).concept.id, me)).rows.data;
  expect(await rowsOf(resumed)).toEqual(await rowsOf(whole));
});

test("a checkpoint of another setting, or a damaged one, is left aside in words, and the job learns from the first step", async () => {
  const input = LearnInput.parse({ ...learnInput, steps: 12, previews: [], scenes: [] });
  const { checkpoints, ...whole } = await run("job-41", input);
  const checkpoint = checkpoints.at(-1) as Uint8Array;
  const started = async (jobId: string, change: object, bytes: Uint8Array) => {
    const { events, output } = await run(jobId, { ...input, ...change }, { checkpoint: bytes });
    const steps = events.flatMap((event) => (event.type === "progress" && event.stage === "learn" ? [event.step] : []));
    return { output, first: steps[0], said: events.flatMap((event) => (event.type === "log" ? [event.text] : [])) };
  };
  expect(await started("job-42", {}, checkpoint)).toMatchObject({ first: 10 });
  const other = await started("job-43", { learningRate: 0.001 }, checkpoint);
  expect(other).toMatchObject({ first: 0, output: { task: "learn" } });
  expect(other.said.join()).toMatch(/of another picture, model or setting: learning starts from the first step/);
  const cut = await started("job-44", {}, checkpoint.subarray(0, checkpoint.length / 2));
  expect(cut.said.join()).toMatch(/checkpoint is damaged: learning starts from the first step/);
  const rowsOf = async (output: unknown) =>
    (await bench.library.load((output as LearnOutput).concept.id, me)).rows.data;
  expect(await rowsOf(cut.output)).toEqual(await rowsOf(whole.output));
});

test("a run that stops early says so and shows where it stopped", async () => {
  const { output } = await run("job-25", {
    ...learnInput,
    steps: 200,
    // So small a step changes no f32: no evaluation is better than the first.
    learningRate: 1e-30,
    previews: [0, 200],
    scenes: [],
  });
  const { concept, notes, pictures } = output as LearnOutput;
  expect(notes.join()).toMatch(/Stopped after \d+ of 200 steps/);
  const last = concept.loss.at(-1)?.step as number;
  expect(last).toBeLessThan(200);
  expect(pictures.filter(({ kind }) => kind === "preview").map(({ alt }) => alt)).toEqual([
    "<mymug> at step 0",
    `<mymug> at step ${last}`,
  ]);
});

test("a name that is taken gets a number and the answer says so", async () => {
  const { output } = await run("job-5", { ...learnInput, steps: 1, previews: [], scenes: [] });
  expect((output as LearnOutput).notes.join()).toMatch(/already have <mymug>/);
});

test("a concept that nobody shared is not found for others, and a near miss is suggested", async () => {
  const other = { user: { id: "2", name: "bob" }, moderator: false };
  const input = ImagineInput.parse({ task: "imagine", prompt: "<mymug>", count: 1, steps: 2, viewer: other });
  await expect(run("job-6", input)).rejects.toMatchObject({ code: "not_found" });
  await expect(run("job-7", { ...input, prompt: "<mymgu>", viewer: me })).rejects.toThrow(/did you mean.*mymug/i);
});

test("negative prompts, weights, blends and other sizes draw, each differently", async () => {
  const base = { task: "imagine", prompt: "<mymug> in space", count: 1, seed: 1, steps: 3, viewer: me };
  const variants = [
    {},
    { negative: "a cat" },
    { prompt: "<mymug:0.4> in space" },
    { prompt: "<mymug*0.5+mymug-4*0.5> in space" },
    { prompt: "(<mymug> in space:1.3)" },
    { prompt: "(<mymug>:1.3) in space" },
    { prompt: "<mymug:1.4> in space" },
    { guidance: 1 },
    { sampler: "euler" },
  ];
  const pixels = new Set<string>();
  for (const [i, variant] of variants.entries()) {
    const { output } = await run(`job-8-${i}`, ImagineInput.parse({ ...base, ...variant }));
    const key = (output as ImagineOutput).pictures[0]?.key as string;
    pixels.add(Buffer.from((await readPicture((await store.get(key))?.data as Uint8Array)).data).toString("base64"));
  }
  expect(pixels.size).toBe(variants.length);
  const { output } = await run("job-9", ImagineInput.parse({ ...base, width: 32, height: 16 }));
  expect((output as ImagineOutput).pictures[0]).toMatchObject({ width: 32, height: 16 });
});

test("a picture without a seed has its job's own: the same on every attempt, another for ids of one second", async () => {
  const input = ImagineInput.parse({ task: "imagine", prompt: "a mug", count: 1, steps: 1, viewer: me });
  const seedOf = async (jobId: string) => ((await run(jobId, input)).output as ImagineOutput).seed;
  const [first, second] = ["1398765432109876543", "1398765432209876544"] as const;
  expect(await seedOf(first)).toBe(await seedOf(first));
  expect(await seedOf(second)).not.toBe(await seedOf(first));
  // Nor does it matter what an id looks like: this one begins with no hexadecimal digit.
  expect(await seedOf("job-40")).toBe(await seedOf("job-40"));
});

test("a strength slides a word between what it began as and what it learned, for one word or for all", async () => {
  const base = { task: "imagine", count: 1, seed: 1, steps: 3, viewer: me };
  const pixelsOf = async (jobId: string, change: object): Promise<Uint8Array> => {
    const { output } = await run(jobId, ImagineInput.parse({ ...base, ...change }));
    const key = (output as ImagineOutput).pictures[0]?.key as string;
    return (await readPicture((await store.get(key))?.data as Uint8Array)).data;
  };
  const began = await pixelsOf("job-30", { prompt: "red mug * * in space" });
  expect(await pixelsOf("job-31", { prompt: "<mymug:0> in space" })).toEqual(began);
  const learned = await pixelsOf("job-32", { prompt: "<mymug> in space" });
  expect(await pixelsOf("job-33", { prompt: "<mymug:1> in space", strength: 0.3 })).toEqual(learned);
  const between = await pixelsOf("job-34", { prompt: "<mymug:0.4> in space", strength: 0.9 });
  expect(await pixelsOf("job-35", { prompt: "<mymug> in space", strength: 0.4 })).toEqual(between);
  for (const end of [began, learned]) expect(between).not.toEqual(end);
});

test("a concept whose file does not say what it began as is drawn at full strength only, and says why", async () => {
  const { meta } = await bench.library.load((await bench.library.resolve({ name: "mymug" as never }, me)).id, me);
  const { rows } = await bench.library.load(meta.id, me);
  await bench.library.save({ meta: { ...meta, id: "oldone", name: "oldone" as never }, rows });
  const input = { task: "imagine", prompt: "<oldone>", count: 1, steps: 2, viewer: me };
  expect((await run("job-36", ImagineInput.parse(input))).output).toBeDefined();
  await expect(run("job-37", ImagineInput.parse({ ...input, strength: 0.5 }))).rejects.toMatchObject({
    code: "bad_concept",
    message: expect.stringMatching(/full strength only.*relearn/),
  });
});

test("a scene may ask for the word at a strength, and shows what its prompt draws later", async () => {
  const scenes = ["<slidmug:0.2> in space", "{} in space"];
  const learned = await run("job-6", { ...learnInput, name: "slidmug", previews: [], scenes: scenes });
  const { pictures } = learned.output as LearnOutput;
  const drawn = pictures.filter(({ kind }) => kind === "picture");
  const pixels = async (key: string) => (await readPicture((await store.get(key))?.data as Uint8Array)).data;
  const [weak, full] = await Promise.all(drawn.map(({ key }) => pixels(key)));
  expect(weak).not.toEqual(full);
  const input = { task: "imagine", prompt: scenes[0], count: 1, seed: learnInput.seed, viewer: me };
  const again = (await run("job-7", ImagineInput.parse(input))).output as ImagineOutput;
  expect(await pixels(again.pictures[0]?.key as string)).toEqual(weak);
});

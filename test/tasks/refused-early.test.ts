import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { openFileStore } from "../../functions/store/file.ts";
import type { Store } from "../../functions/store/store.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import {
  ImagineInput,
  type ImagineOutput,
  type JobInput,
  LearnInput,
  type LearnOutput,
  type TaskEvent,
} from "../../shared/job.ts";
import { openEmbeddedBench } from "../support/embedded-bench.ts";
import { openTinyBench } from "../support/tiny-bench.ts";

const me = { user: { id: "1", name: "ann" }, moderator: false };
let folder: string;
let store: Store;
let bench: ReturnType<typeof openTinyBench>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eponym-refused-"));
  store = await openFileStore(folder);
  bench = openTinyBench(store);
  const data = Uint8Array.from({ length: 24 * 24 * 3 }, (_, i) => (i * 31) % 256);
  await store.put("pictures/p.png", await encodePng({ width: 24, height: 24, data }));
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

let jobs = 0;
/** Runs a job to its end, well or not: what it yielded and what it threw. */
async function run(input: JobInput, workbench = bench): Promise<{ events: TaskEvent[]; error?: unknown }> {
  jobs += 1;
  const jobId = `job-${jobs}`;
  const context = {
    ...{ jobId, attempt: 1, signal: new AbortController().signal, saveCheckpoint: async () => {} },
    files: createTaskFiles(store, `jobs/${jobId}`),
  };
  const events: TaskEvent[] = [];
  try {
    for await (const event of createTaskRunner(workbench)(input, context)) events.push(event);
    return { events };
  } catch (error) {
    return { events, error };
  }
}

const learnInput = (changes: object): LearnInput =>
  LearnInput.parse({
    ...{ task: "learn", picture: "pictures/p.png", caption: "a red mug", name: "mymug", owner: me.user },
    ...{ mode: "product", steps: 1, batch: 1, seed: 4, previews: [], scenes: [], ...changes },
  });

test("a word learned from the longest caption can be found, loaded and drawn again", async () => {
  const caption = `red${" ".repeat(494)}mug`;
  const { events } = await run(learnInput({ caption, improvements: { moreTokens: 8 } }));
  const last = events.at(-1);
  const { concept } = (last?.type === "output" ? last.output : undefined) as LearnOutput;
  expect(concept).toMatchObject({ caption, initialiser: { text: `${caption}${" *".repeat(8)}` } });
  expect(await bench.library.resolve({ name: "mymug" }, me)).toEqual(concept);
  expect((await bench.library.load(concept.id, me)).meta).toEqual(concept);
});

test.each([
  ["a scene that cannot be read", "{} (red:9)", "bad_prompt", /^Scene 2: .*weight goes from 0 to 2, got 9/],
  [
    "a scene too long with the word in it",
    "{}".padEnd(1000, "x"),
    "too_large",
    /^Scene 2: .*1000 characters, got 1005/,
  ],
  [
    "a scene that leaves the word no room",
    `${"red mug ".repeat(40)}{}`,
    "bad_prompt",
    /^Scene 2: .*too long: <mymug> takes 4/,
  ],
  ["another word in a scene", "{} beside <dog>", "bad_prompt", /^Scene 2: <dog> is another word/],
  ["another word in a scene's blend", "<mymug*0.5+dog*0.5>", "bad_prompt", /^Scene 2: <dog> is another word/],
  ["somebody's word of the same name", "<bob/mymug>", "bad_prompt", /^Scene 2: <bob\/mymug> is another word/],
])("%s is refused before the first step", async (_, scene, code, message) => {
  const { events, error } = await run(learnInput({ scenes: ["({}:1.2) in space", scene] }));
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(events.filter((event) => event.type === "progress" && event.stage === "learn")).toEqual([]);
});

test("a size that the model's UNet cannot halve is refused with its multiple and the nearest sizes", async () => {
  const embedded = openEmbeddedBench(1);
  onTestFinished(() => embedded.close());
  const draw = (size: object) => {
    const input = { task: "imagine", prompt: "a mug", count: 1, steps: 1, seed: 1, ...size };
    return run(ImagineInput.parse(input), embedded);
  };
  // Cells of 8 pixels, halved once.
  const { events, error } = await draw({ width: 72, height: 72 });
  expect(events).toEqual([]);
  const message = "The height is 72 pixels; emoji-64 draws multiples of 16 pixels. The nearest: 64 or 80.";
  expect(error).toMatchObject({ code: "bad_request", message });
  expect((await draw({ width: 8 })).error).toMatchObject({
    message: expect.stringMatching(/width is 8.*nearest: 16\.$/),
  });
  expect((await draw({ width: 80, height: 16 })).events.at(-1)).toMatchObject({
    output: { pictures: [{ width: 80, height: 16 }] },
  });
});

test("at guidance 1, where a negative prompt cannot count, the answer says so", async () => {
  const drawing = { task: "imagine", prompt: "a mug", negative: "a cup", count: 1, steps: 1, seed: 1, viewer: me };
  for (const guidance of [1, 2]) {
    const { events } = await run(ImagineInput.parse({ ...drawing, guidance }));
    const last = events.at(-1) as Extract<TaskEvent, { type: "output" }>;
    const notes = (last.output as ImagineOutput).notes.filter((note) => note.includes("negative"));
    expect(notes).toEqual(
      guidance === 1 ? ["Guidance 1 draws without the negative prompt; with more than 1 it counts."] : [],
    );
  }
});

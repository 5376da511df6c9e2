import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { embeddedFolder } from "../../functions/models/catalog.ts";
import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import { zeros } from "../../functions/tensor/tensor.ts";
import { ImagineInput } from "../../shared/job.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const folder = mkdtempSync(join(tmpdir(), "eponym-keep-"));
afterAll(() => rmSync(folder, { recursive: true }));
const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => join(folder, name)) as [string, string, string, string];
for (const copy of [a, b, c, d]) cpSync(tinySdFolder, copy, { recursive: true });

type Bench = ReturnType<typeof openWorkbench>;
type Model = Awaited<ReturnType<Bench["model"]>>;
let bench: Bench;
beforeEach(() => {
  const hub = { endpoint: "http://127.0.0.1:9" };
  bench = openWorkbench({ preset: "lean", providers: ["cpu"], threads: 1, hub, store: createMemoryStore() });
  onTestFinished(() => bench.close());
});

/** Engine processes of this one that run. */
const processes = () => process.getActiveResourcesInfo().filter((kind) => kind === "ProcessWrap").length;
/** Makes a model start its process. */
const use = async (model: Model) => {
  await model.encodeText(zeros([1, model.tokenizer.length, model.width]));
  return model;
};

test("one folder under several spellings is one model", async () => {
  symlinkSync(a, join(folder, "link"));
  const first = await bench.model(a);
  for (const spelled of [`${a}/`, join(a, "unet/.."), relative(process.cwd(), a), join(folder, "link")]) {
    expect((await bench.model(spelled)).run, spelled).toBe(first.run);
  }
  expect((await bench.model(b)).run).not.toBe(first.run);
});

test("a model has the defaults of the name it was asked by, whoever opened it first", async () => {
  const byFolder = await bench.model(embeddedFolder);
  const byName = await bench.model("emoji-64");
  expect(byName.run).toBe(byFolder.run);
  expect([byName.about.defaults.guidance, byFolder.about.defaults.guidance]).toEqual([4, 7.5]);
});

test("beyond two, the model that was not used for longest is closed, the service's own never", async () => {
  const own = await use(await bench.model());
  const [first] = [await use(await bench.model(a)), await use(await bench.model(b))];
  expect(processes()).toBe(3);
  await bench.model(a);
  await use(await bench.model(c));
  await expect.poll(processes).toBe(3);
  expect((await bench.model(a)).run).toBe(first.run);
  expect((await bench.model()).run).toBe(own.run);
  await bench.close();
  await expect.poll(processes).toBe(0);
});

test("a model that a job has taken is closed after the job, not before", async () => {
  const job = bench.lease();
  const taken = await use(await job.model(a));
  for (const other of [b, c, d]) await use(await bench.model(other));
  await expect.poll(processes).toBe(2);
  expect((await bench.model(a)).run).toBe(taken.run);
  await use(taken);
  const others = [bench.lease(), bench.lease()];
  for (const [i, other] of [b, c].entries()) await use(await (others[i] as typeof job).model(other));
  expect(processes()).toBe(3);
  job.end();
  await expect.poll(processes).toBe(2);
  for (const other of others) other.end();
  expect((await bench.model(a)).run).not.toBe(taken.run);
});

test("a job's models are let go when it ends, also where it fails", async () => {
  const full = () => Promise.reject(new Error("disk full"));
  const context = {
    ...{ jobId: "j", attempt: 1, signal: new AbortController().signal, saveCheckpoint: async () => {} },
    files: { read: full, write: full },
  };
  for (const model of [a, b, c, d]) {
    const input = ImagineInput.parse({ task: "imagine", prompt: "a red mug", model, steps: 1 });
    const run = async () => {
      for await (const _ of createTaskRunner(bench)(input, context));
    };
    await expect(run()).rejects.toThrow("disk full");
  }
  await expect.poll(processes).toBe(2);
});

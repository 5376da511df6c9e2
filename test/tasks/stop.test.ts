import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { openFileStore } from "../../functions/store/file.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import { type JobInput, LearnInput } from "../../shared/job.ts";
import { openTinyBench } from "../support/tiny-bench.ts";

/** Runs a task on the tiny model in a store that holds `pictures/p.png`, and stops it at the first time the UNet is asked; how often it was. */
async function stoppedAtFirst(prepare: (bench: Workbench) => Promise<JobInput>): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "eponym-stop-"));
  const store = await openFileStore(folder);
  const bench = openTinyBench(store);
  onTestFinished(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });
  await store.put("pictures/p.png", await encodePng({ width: 24, height: 24, data: new Uint8Array(24 * 24 * 3) }));
  const input = await prepare(bench);
  const controller = new AbortController();
  let calls = 0;
  const stopping: Workbench["lease"] = () => {
    const { model, end } = bench.lease();
    const watched: Workbench["model"] = async (id) => {
      const opened = await model(id);
      const predict: typeof opened.predict = (...given) => {
        calls += 1;
        controller.abort(new Error("stopped"));
        return opened.predict(...given);
      };
      return { ...opened, predict };
    };
    return { model: watched, end };
  };
  const context = {
    ...{ jobId: "job-1", attempt: 1, signal: controller.signal, saveCheckpoint: async () => {} },
    files: createTaskFiles(store, "jobs/job-1"),
  };
  const running = Array.fromAsync(createTaskRunner({ ...bench, lease: stopping })(input, context));
  await expect(running).rejects.toThrow("stopped");
  return calls;
}

const owner = { id: "1", name: "ann" };

test.each([
  ["draws a preview does not draw it to its end", { mode: "paper", previews: [0] }],
  ["asks what the class word predicts does not ask on", { mode: "product", previews: [] }],
])("learning that is told to stop while it %s", async (_, wish) => {
  const learning = async () =>
    LearnInput.parse({
      ...{ task: "learn", picture: "pictures/p.png", caption: "a red mug", name: "mymug", owner },
      ...{ steps: 1, batch: 1, seed: 4, scenes: [], ...wish },
    });
  expect(await stoppedAtFirst(learning)).toBe(1);
});

test("explaining that is told to stop while it draws a picture to look at does not draw it to its end", async () => {
  const explaining = async (bench: Workbench): Promise<JobInput> => {
    const { embed, tokenizer, hash } = await bench.model();
    await bench.library.save({
      meta: {
        ...{ id: "mymug", version: 1, name: "mymug", owner, scope: "private", scopeId: owner.id },
        ...{ initialiser: { kind: "caption", text: "red mug" }, baseModel: { id: "tiny", hash } },
        ...{ tokens: 2, width: 24, templates: "", steps: 1, seed: 0, loss: [], licence: "", versions: [] },
        created: new Date(0).toISOString(),
      },
      rows: embed(tokenizer.encode("blue dog")),
    });
    return { task: "explain", concept: "mymug", viewer: { user: owner, moderator: false } };
  };
  expect(await stoppedAtFirst(explaining)).toBe(1);
});

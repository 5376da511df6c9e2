import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { openFileStore } from "../../functions/store/file.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import { LearnInput } from "../../shared/job.ts";
import { openTinyBench } from "../support/tiny-bench.ts";

test.each([
  ["draws a preview does not draw it to its end", { mode: "paper", previews: [0] }],
  ["asks what the class word predicts does not ask on", { mode: "product", previews: [] }],
])("learning that is told to stop while it %s", async (_, wish) => {
  const folder = await mkdtemp(join(tmpdir(), "eponym-stop-"));
  const store = await openFileStore(folder);
  const bench = openTinyBench(store);
  onTestFinished(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });
  await store.put("pictures/p.png", await encodePng({ width: 24, height: 24, data: new Uint8Array(24 * 24 * 3) }));
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
  const input = LearnInput.parse({
    ...{
      task: "learn",
      picture: "pictures/p.png",
      caption: "a red mug",
      name: "mymug",
      owner: { id: "1", name: "ann" },
    },
    ...{ steps: 1, batch: 1, seed: 4, scenes: [], ...wish },
  });
  const context = {
    ...{ jobId: "job-1", attempt: 1, signal: controller.signal, saveCheckpoint: async () => {} },
    files: createTaskFiles(store, "jobs/job-1"),
  };
  const learning = Array.fromAsync(createTaskRunner({ ...bench, lease: stopping })(input, context));
  await expect(learning).rejects.toThrow("stopped");
  expect(calls).toBe(1);
});

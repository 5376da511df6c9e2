import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blendConcept } from "../../functions/concepts/blend-concept.ts";
import type { Concept } from "../../functions/concepts/concept-file.ts";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { openStore } from "../../functions/store/open.ts";
import type { Store } from "../../functions/store/store.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";
import { ImagineInput, type ImagineOutput } from "../../shared/job.ts";
import { openTinyBench } from "../support/tiny-bench.ts";

let folder: string;
let store: Store;
let bench: ReturnType<typeof openTinyBench>;
const ann = { user: { id: "ann", name: "ann" }, moderator: false };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eponym-"));
  store = await openStore(`file:${folder}`);
  bench = openTinyBench(store);
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

async function mycat(words: string): Promise<Concept> {
  const { embed, tokenizer, hash } = await bench.model();
  return {
    meta: {
      ...{ id: "c-mycat", version: 1, name: "mycat", owner: ann.user, scope: "private", scopeId: "ann" },
      ...{ initialiser: { kind: "caption", text: words }, baseModel: { id: "tiny", hash }, tokens: 2, width: 24 },
      ...{ templates: "", steps: 1, seed: 0, loss: [], licence: "", versions: [], created: new Date(0).toISOString() },
    },
    rows: embed(tokenizer.encode(words)),
  };
}

async function draw(prompt: string, negative = "", strength?: number) {
  const drawn = { task: "imagine", prompt, negative, strength, count: 1, seed: 3, steps: 2, viewer: ann };
  const input = ImagineInput.parse(drawn);
  const context = {
    ...{ jobId: "job", attempt: 1, signal: new AbortController().signal, saveCheckpoint: async () => {} },
    files: createTaskFiles(store, "jobs/job"),
  };
  let output: ImagineOutput | undefined;
  for await (const event of createTaskRunner(bench)(input, context)) {
    if (event.type === "output") output = event.output as ImagineOutput;
  }
  const key = output?.pictures[0]?.key as string;
  return { pixels: (await readPicture((await store.get(key))?.data as Uint8Array)).data, used: output?.concepts };
}

test("a saved blend draws, or keeps out, what its prompt does, in its parents' versions of then, until one of them is deleted", async () => {
  const { hash } = await bench.model();
  await bench.library.save(await mycat("red mug"));
  await blendConcept(bench.library, {
    ...{
      id: "b-chimera",
      name: "chimera",
      blend: "mycat*0.6+dog*0.4",
      viewer: ann,
      created: new Date(0).toISOString(),
    },
    model: { baseModel: { id: "tiny", hash }, width: 24, isWord: (words) => words === "dog" },
  });
  const written = await draw("a <mycat*0.6+dog*0.4> in space");
  const saved = await draw("a <chimera> in space");
  expect(saved.pixels).toEqual(written.pixels);
  expect(saved.used?.map(({ name, version }) => [name, version])).toEqual([["mycat", 1]]);
  expect((await draw("a <chimera:1> in space", "", 0.5)).pixels).toEqual(written.pixels);
  const avoided = await draw("a dog in space", "a <chimera>");
  expect(avoided.pixels).toEqual((await draw("a dog in space", "a <mycat*0.6+dog*0.4>")).pixels);
  expect(avoided.pixels).not.toEqual((await draw("a dog in space")).pixels);

  await bench.library.relearn("c-mycat", ann, await mycat("blue dog"));
  expect((await draw("a <mycat*0.6+dog*0.4> in space")).pixels).not.toEqual(written.pixels);
  expect((await draw("a <chimera> in space")).pixels).toEqual(written.pixels);

  await bench.library.delete("c-mycat", ann);
  await expect(draw("a <chimera> in space")).rejects.toMatchObject({
    code: "not_found",
    message: "<chimera> is blended from <mycat> v1, which is gone or not shared with you.",
  });
});

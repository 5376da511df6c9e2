import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTaskFiles } from "../../functions/jobs/task-files.ts";
import { nearestWords } from "../../functions/models/nearest-words.ts";
import { openStore } from "../../functions/store/open.ts";
import type { Store } from "../../functions/store/store.ts";
import { enlarge } from "../../functions/tasks/attention-maps.ts";
import { createTaskRunner } from "../../functions/tasks/task-runner.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";
import type { ConceptMeta } from "../../shared/concept.ts";
import { ExplainOutput } from "../../shared/job.ts";
import { openTinyBench } from "../support/tiny-bench.ts";

let folder: string;
let store: Store;
let bench: ReturnType<typeof openTinyBench>;
const person = (name: string) => ({ user: { id: name, name }, moderator: false });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "eponym-"));
  store = await openStore(`file:${folder}`);
  bench = openTinyBench(store);
  await store.put("pictures/p.png", await encodePng({ width: 16, height: 16, data: new Uint8Array(768).fill(90) }));
});
afterAll(async () => {
  await bench.close();
  await rm(folder, { recursive: true, force: true });
});

async function teach(id: string, more: Partial<ConceptMeta> = {}) {
  const { embed, tokenizer, hash } = await bench.model();
  const ids = tokenizer.encode("blue dog");
  return bench.library.save({
    meta: {
      ...{ id, version: 1, name: id, owner: person("ann").user, scope: "private", scopeId: "ann" },
      initialiser: { kind: "caption", text: "red mug" },
      baseModel: { id: "tiny", hash },
      ...{ tokens: 2, width: 24, templates: "", steps: 1, seed: 0, loss: [], licence: "", versions: [] },
      created: new Date(0).toISOString(),
      ...more,
    },
    rows: embed(ids),
  });
}

async function explain(concept: string, viewer = person("ann"), read: string[] = []): Promise<ExplainOutput> {
  const files = createTaskFiles(store, `jobs/${concept}`);
  const readAndNote = (key: string) => {
    read.push(key);
    return files.read(key);
  };
  const context = {
    ...{ jobId: concept, attempt: 1, signal: new AbortController().signal, saveCheckpoint: async () => {} },
    files: { ...files, read: readAndNote },
  };
  let output: unknown;
  for await (const event of createTaskRunner(bench)({ task: "explain", concept, viewer }, context)) {
    if (event.type === "output") output = event.output;
  }
  return ExplainOutput.parse(output);
}

test("each row's nearest words before are its initialiser, after what it moved to, and a picture shows where it looks", async () => {
  await teach("mymug", { source: "pictures/p.png" });
  const { rows, pictures, notes } = await explain("mymug");
  expect(rows.map(({ token }) => token)).toEqual(["red", "mug"]);
  expect(rows.map(({ before }) => before[0])).toEqual([
    { word: "red", score: 1 },
    { word: "mug", score: 1 },
  ]);
  expect(rows.map(({ after }) => after[0])).toEqual([
    { word: "blue", score: 1 },
    { word: "dog", score: 1 },
  ]);
  for (const { after } of rows)
    expect(after.map(({ score }) => score)).toEqual(after.map((w) => w.score).sort((a, b) => b - a));
  const [{ key, width, height }] = pictures as [ExplainOutput["pictures"][number]];
  expect(await readPicture((await store.get(key))?.data as Uint8Array)).toMatchObject({ width, height });
  expect(notes).toEqual([]);
  // The same question has the same answer, bit for bit.
  const first = (await store.get(key))?.data;
  expect((await store.get((await explain("mymug")).pictures[0]?.key as string))?.data).toEqual(first);
});

test("only its owner is shown the picture that a word was learned from; for others one is drawn", async () => {
  await teach("shared", { source: "pictures/p.png" });
  await bench.library.share("shared", person("ann"), "public");
  const [own, others]: [string[], string[]] = [[], []];
  await explain("shared", person("ann"), own);
  await explain("shared", person("ben"), others);
  expect(own).toEqual(["concepts/shared/source-1.png"]);
  expect(others).toEqual([]);
});

test("what an imported word began as is not guessed, and a word one may not see is not explained", async () => {
  await teach("brought", { origin: { format: "a1111" }, baseModel: { id: "other", hash: "0" } });
  const { rows, notes } = await explain("brought");
  expect(rows.map(({ token, before }) => [token, before])).toEqual([
    [undefined, []],
    [undefined, []],
  ]);
  expect(notes[0]).toContain("was learned on other");
  await expect(explain("brought", person("ben"))).rejects.toMatchObject({ code: "not_found" });
});

test("a word's own embedding is nearest to itself whatever its length, and parts of words are never words", async () => {
  const model = await bench.model();
  for (const word of ["cat", "photo", "space"]) {
    const [row] = [model.embed(model.tokenizer.encode(word))];
    const [near] = nearestWords(model, { ...row, data: row.data.map((x) => x * 7) });
    expect(near?.[0]?.word).toBe(word);
    expect(near?.[0]?.score).toBeCloseTo(1, 5);
    for (const { word: other } of near ?? []) expect(model.tokenizer.encode(other)).toHaveLength(1);
  }
});

test("enlarging a map keeps constants and its mean, and its own size changes nothing", () => {
  const map = { data: Float32Array.from([0, 1, 2, 3, 4, 5]), width: 3, height: 2 };
  expect(enlarge(map, 3, 2)).toEqual(map.data);
  const large = enlarge(map, 12, 8);
  expect(large.reduce((sum, x) => sum + x, 0) / large.length).toBeCloseTo(2.5, 5);
  expect(enlarge({ ...map, data: new Float32Array(6).fill(0.25) }, 7, 5)).toEqual(new Float32Array(35).fill(0.25));
});

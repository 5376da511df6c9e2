import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { input, weight } from "../../functions/graph/value.ts";
import { loadOnce } from "../../functions/onnx/load-once.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { spawnLanes } from "../../functions/onnx/spawn-lanes.ts";
import { add } from "../../functions/ops/add.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { testEngine, values } from "../support/evaluate.ts";

const folder = mkdtempSync(join(tmpdir(), "eponym-load-"));
const file = join(folder, "weights.bin");
const ones = new Float32Array([1, 1, 1, 1]);
writeFileSync(file, ones);
afterAll(() => rmSync(folder, { recursive: true }));

const single = testEngine("lean");
const lanes = spawnLanes({ preset: "lean", providers: ["cpu"], threads: 2 }, 2);
afterAll(() => lanes.close());

const x = input("x", [2, 2]);
const w = weight("w", [2, 2], { file, offset: 0, length: 16, storage: "F32" });
const model = lower({ outputs: { y: add(x, w) } }, { preset: "lean", target: "plain" });
const feeds = { x: values([2, 2]) };
const sum = feeds.x.data.map((value) => value + 1);
const dataOf = ({ y }: Readonly<Record<string, unknown>>) => (y as Tensor).data;

/** While `during` goes on the weights are not where the model says. */
async function withoutWeights(during: () => Promise<void>): Promise<void> {
  renameSync(file, `${file}.away`);
  await during().finally(() => renameSync(`${file}.away`, file));
}

test("a model that could not be loaded is loaded by the next run, also where two asked for it at once", async () => {
  const once = loadOnce(single, "sum", () => model);
  await withoutWeights(async () => {
    const failed = await Promise.allSettled([once.run(feeds), once.run(feeds)]);
    for (const result of failed) expect(result).toMatchObject({ status: "rejected", reason: { name: "Error" } });
  });
  expect(dataOf(await once.run(feeds))).toEqual(sum);
  // What runs is not loaded again.
  await withoutWeights(async () => expect(dataOf(await once.run(feeds))).toEqual(sum));
});

test("a process that could not load a model that another holds tries again with its next run", async () => {
  const session = await lanes.load(model, { label: "sum" });
  const both = () => Promise.allSettled([session.run(feeds), session.run(feeds)]);
  await withoutWeights(async () =>
    expect((await both()).map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]),
  );
  for (const result of await both()) {
    expect(result.status).toBe("fulfilled");
    if (result.status === "fulfilled") expect(dataOf(result.value)).toEqual(sum);
  }
  await session.close();
});

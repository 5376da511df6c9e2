import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { constant, input, type Value, weight } from "../../functions/graph/value.ts";
import { openClipText } from "../../functions/models/clip-text.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { add } from "../../functions/ops/add.ts";
import { linear } from "../../functions/ops/linear.ts";
import { multiply } from "../../functions/ops/multiply.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { type StoredFloat, write } from "../../functions/tensor/write-safetensors.ts";
import { decodeModel } from "../support/decode-model.ts";
import { evaluate, testEngine, values } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine("lean");

function folderIn(parent: string): string {
  const folder = realpathSync(mkdtempSync(join(parent, "eponym-lower-")));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Writes one [3, 4] weight called `w`, after another, so that it does not lie at the start. */
function store(path: string, dtype: StoredFloat = "F32", seed = 1): void {
  mkdirSync(dirname(path), { recursive: true });
  write(path, { before: values([5], 9), w: values([3, 4], seed) }, {}, { dtype });
}

function stored(path: string, name: string): Value {
  const file = readHeader(path);
  const entry = file.tensors.get("w");
  if (!entry) throw new Error("no w");
  const { offset, length, dtype } = entry;
  return weight(name, [3, 4], { file: file.path, offset, length, storage: dtype as StoredFloat });
}

const x = values([2, 4], 3);
/** x Wᵀ in f64. */
const product = (w: Tensor): number[] =>
  Array.from({ length: 6 }, (_, i) =>
    [0, 1, 2, 3].reduce((sum, k) => sum + (x.data[(i < 3 ? 0 : 4) + k] ?? 0) * (w.data[(i % 3) * 4 + k] ?? 0), 0),
  );

async function expectProducts(paths: readonly string[]): Promise<void> {
  const shared = input("x", [2, 4]);
  const outputs = Object.fromEntries(paths.map((path, i) => [`y${i}`, linear(shared, stored(path, `part${i}/w`))]));
  const results = await evaluate(engine, { outputs }, { x }, "plain", "lean");
  for (const [i, path] of paths.entries()) {
    const expected = product(readTensor(readHeader(path), "w"));
    const actual = [...(results[`y${i}`] as Tensor).data];
    expect(Math.max(...actual.map((y, j) => Math.abs(y - (expected[j] as number))))).toBeLessThan(1e-6);
  }
}

test("weights in subfolders are read in place from both", async () => {
  const folder = folderIn(tmpdir());
  const paths = ["unet/a.safetensors", "text_encoder/deep/b.safetensors"].map((path) => join(folder, path));
  paths.forEach((path, i) => {
    store(path, "F32", i + 1);
  });
  await expectProducts(paths);
});

test("links out of the folder, as the Hub's cache is made of, are followed to the blobs", async () => {
  const folder = folderIn(tmpdir());
  const links = ["unet", "vae"].map((part, i) => {
    store(join(folder, "blobs", `0123abc${i}`), "F16", i + 1);
    const link = join(folder, "snapshots", "main", part, "model.safetensors");
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(link), join(folder, "blobs", `0123abc${i}`)), link);
    return link;
  });
  await expectProducts(links);
});

for (const dtype of ["F16", "BF16"] as const) {
  test(`weights stored as ${dtype} compute like their f32 values`, async () => {
    const path = join(folderIn(tmpdir()), "half.safetensors");
    store(path, dtype);
    await expectProducts([path]);
  });
}

test("two files that share nothing but the root are read from the root", async () => {
  const path = join(folderIn(tmpdir()), "w.safetensors");
  store(path);
  // The other lies in the repository; where that is below the temporary folder too, their common folder is a deeper one.
  const table = openClipText(tinySdFolder).weight("text_model.embeddings.position_embedding.weight", [24, 24]);
  const graph = { outputs: { y: linear(input("x", [2, 4]), stored(path, "w")), table: add(table, constant(0)) } };
  const { weightsFolder } = lower(graph, { preset: "lean", target: "plain" });
  const together = path.split(sep)[1] === table.location.file.split(sep)[1];
  if (!together) expect(weightsFolder).toBe(sep);
  const results = await evaluate(engine, graph, { x }, "plain", "lean");
  const expected = readTensor(readHeader(table.location.file), "text_model.embeddings.position_embedding.weight");
  expect(results["table"]?.data).toEqual(expected.data);
  expect(results["y"]?.shape).toEqual([2, 3]);
});

test("equal constants become one initialiser; other values and other shapes stay apart", () => {
  const a = input("x", [2, 2]);
  const terms = [constant(2, [2, 2]), constant(2, [2, 2]), constant(2, [1, 2]), constant(3, [2, 2]), constant(2)];
  const y = terms.reduce<Value>((sum, term) => multiply(sum, term), a);
  const { graph } = decodeModel(lower({ outputs: { y } }, { preset: "speed", target: "plain" }).bytes);
  expect(graph.initializer.map(({ dims }) => dims.join())).toEqual(["2,2", "1,2", "2,2", ""]);
  expect(graph.node.filter(({ opType }) => opType === "Mul")).toHaveLength(5);
});

test("a weight that is asked for twice is one initialiser; two weights of one name are an error", () => {
  const folder = folderIn(tmpdir());
  const [a, b] = [join(folder, "a.safetensors"), join(folder, "b.safetensors")];
  store(a, "BF16");
  store(b, "BF16", 2);
  const twice = add(stored(a, "w"), stored(a, "w"));
  const { graph } = decodeModel(lower({ outputs: { twice } }, { preset: "speed", target: "plain" }).bytes);
  expect(graph.initializer.map(({ name }) => name)).toEqual(["w as BF16"]);
  expect(graph.node.filter(({ opType }) => opType === "Cast")).toHaveLength(1);
  const mixed = { outputs: { y: add(stored(a, "w"), stored(b, "w")) } };
  expect(() => lower(mixed, { preset: "speed", target: "plain" })).toThrow(/two different weights.*"w"/);
});

test("a graph without weights names no folder; its inputs and outputs keep their names and shapes", () => {
  const y = add(input("left", [2, 3]), input("right", [3]));
  const model = lower({ outputs: { total: y, again: y } }, { preset: "speed", target: "plain" });
  expect(model.weightsFolder).toBeUndefined();
  const { graph } = decodeModel(model.bytes);
  const edges = (list: typeof graph.input) =>
    list.map(({ name, type }) => `${name} ${type.tensorType.shape.dim.map((dim) => dim.dimValue)}`);
  expect(edges(graph.input)).toEqual(["left 2,3", "right 3"]);
  expect(edges(graph.output)).toEqual(["total 2,3", "again 2,3"]);
});

test("two inputs of one name are an error that names them", () => {
  const y = add(input("x", [2]), input("x", [2]));
  expect(() => lower({ outputs: { y } }, { preset: "speed", target: "plain" })).toThrow(/two different inputs.*"x"/);
});

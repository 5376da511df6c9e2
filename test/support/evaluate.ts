import { afterAll } from "vitest";
import type { Graph } from "../../functions/graph/graph.ts";
import type { Preset, Provider } from "../../functions/onnx/engine.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { type Shape, sizeOf, type Tensor, tensor } from "../../functions/tensor/tensor.ts";

/** One engine for a test file, ended with it. */
export function testEngine(preset: Preset = "speed") {
  const engine = spawnEngine({ preset, providers: ["cpu"], threads: 1 });
  afterAll(() => engine.close());
  return engine;
}

/** Lowers a graph, runs it once and gives its f32 outputs. */
export async function evaluate(
  engine: ReturnType<typeof testEngine>,
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
  target: Provider | "plain" = "plain",
  preset: Preset = "speed",
): Promise<Readonly<Record<string, Tensor>>> {
  const session = await engine.load(lower(graph, { preset, target }), { label: "test graph" });
  const outputs = await session.run(feeds);
  await session.close();
  return outputs as Readonly<Record<string, Tensor>>;
}

/** Deterministic values in about [−1, 1] (a multiplicative hash of the index): the same in every run. */
export const values = (shape: Shape, seed = 1): Tensor =>
  tensor(
    Float32Array.from(
      { length: sizeOf(shape) },
      (_, i) => (Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453) % 1,
    ),
    shape,
  );

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { print } from "../../functions/graph/graph.ts";
import { input, type Value } from "../../functions/graph/value.ts";
import type { CrossAttention } from "../../functions/models/spatial-transformer.ts";
import { timestepFeatures, unet } from "../../functions/models/unet.ts";
import { openUnet } from "../../functions/models/unet-config.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { maxError } from "../support/compare.ts";
import { evaluate, testEngine } from "../support/evaluate.ts";
import { tinySdGolden as golden, tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine();
const network = openUnet(tinySdFolder);
const reference = readHeader(fileURLToPath(new URL("../golden/cross-attention.safetensors", import.meta.url)));
const feeds = {
  latents: golden("latents"),
  context: golden("context"),
  timeFeatures: timestepFeatures(network.config, [...golden("timesteps").data]),
};
const build = (watch?: (layer: CrossAttention) => void): Value =>
  unet(network, {
    latents: input("latents", feeds.latents.shape),
    timeFeatures: input("timeFeatures", feeds.timeFeatures.shape),
    context: input("context", feeds.context.shape),
    ...(watch && { watch }),
  });

for (const target of ["plain", "cpu"] as const) {
  test(`every layer's cross-attention equals diffusers', and each pixel's sums to one (${target})`, async () => {
    const layers: CrossAttention[] = [];
    const prediction = build((layer) => layers.push(layer));
    expect(layers.map(({ path }) => path).sort()).toEqual([...reference.tensors.keys()].sort());
    const outputs = { prediction, ...Object.fromEntries(layers.map((layer) => [layer.path, layer.probabilities])) };
    const found = await evaluate(engine, { outputs }, feeds, target);
    expect(maxError(found["prediction"] as Tensor, golden("prediction"))).toBeLessThan(2e-5);
    for (const { path, height, width } of layers) {
      const probabilities = found[path] as Tensor;
      expect(maxError(probabilities, readTensor(reference, path))).toBeLessThan(1e-5);
      expect(probabilities.shape[2]).toBe(height * width);
      const tokens = probabilities.shape[3] as number;
      for (let at = 0; at < probabilities.data.length; at += tokens) {
        const sum = probabilities.data.subarray(at, at + tokens).reduce((total, p) => total + p, 0);
        expect(Math.abs(sum - 1)).toBeLessThan(1e-5);
      }
    }
  });
}

test("watching leaves the network as it is, node by node", () => {
  expect(print({ outputs: { prediction: build(() => {}) } })).toBe(print({ outputs: { prediction: build() } }));
});

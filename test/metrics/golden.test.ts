import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { input, type Value } from "../../functions/graph/value.ts";
import { frechetDistance, positionGaussian } from "../../functions/metrics/frechet-distance.ts";
import { inceptionFeatures } from "../../functions/metrics/inception-features.ts";
import { lpips, lpipsStages } from "../../functions/metrics/lpips.ts";
import { openWeights } from "../../functions/metrics/network-weights.ts";
import { concat } from "../../functions/ops/concat.ts";
import { reshape } from "../../functions/ops/reshape.ts";
import { part } from "../../functions/tensor/batch.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { maxError, relativeL2 } from "../support/compare.ts";
import { evaluate, testEngine } from "../support/evaluate.ts";

const engine = testEngine();
const at = (file: string): string => fileURLToPath(new URL(`../golden/metrics/${file}`, import.meta.url));
const file = readHeader(at("golden.safetensors"));
const golden = (name: string): Tensor => readTensor(file, name);
const [a, b] = [golden("a"), golden("b")];

for (const target of ["plain", "cpu"] as const) {
  describe(`with the ${target} lowerings`, () => {
    test.each(["vgg", "alex"] as const)("LPIPS over %s equals the PyPI package's, both pairs", async (trunk) => {
      const weights = openWeights(at(`lpips-${trunk}.safetensors`));
      const pair = [input("a", a.shape), input("b", b.shape)] as const;
      const stages = lpipsStages(weights, trunk, ...pair).map((stage) => reshape(stage, [1, 2]));
      const outputs = { distance: lpips(weights, trunk, ...pair), stages: concat(stages, 0) };
      const actual = await evaluate(engine, { outputs }, { a, b }, target);
      for (const name of ["distance", "stages"] as const) {
        expect(relativeL2(actual[name] as Tensor, golden(`${trunk}.${name}`)), name).toBeLessThan(1e-6);
      }
    });

    test("Inception's features equal torchvision's everywhere", async () => {
      const weights = openWeights(at("inception-v3.safetensors"));
      const pixels = part(a, 0, 1);
      const outputs: Record<string, Value> = { ...inceptionFeatures(weights, input("pixels", pixels.shape)) };
      const features = await evaluate(engine, { outputs }, { pixels }, target);
      for (const name of ["first", "second"]) {
        expect(maxError(features[name] as Tensor, golden(`inception.${name}`)), name).toBeLessThan(1e-5);
      }
    });

    test.each(["first", "second"] as const)("SIFID after the %s block equals SinGAN's", async (reading) => {
      const weights = openWeights(at("inception-v3.safetensors"));
      const gaussian = async (pixels: Tensor) => {
        const features = inceptionFeatures(weights, input("pixels", pixels.shape))[reading];
        const outputs = await evaluate(engine, { outputs: { features } }, { pixels }, target);
        return positionGaussian(outputs["features"] as Tensor);
      };
      const distance = frechetDistance(await gaussian(part(a, 0, 1)), await gaussian(part(b, 0, 1)));
      const [expected] = golden(`sifid.${reading}`).data as unknown as [number];
      expect(Math.abs(distance / expected - 1)).toBeLessThan(1e-5);
    });
  });
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../shared/error.ts";
import { input } from "../graph/value.ts";
import { type Hub, modelCache } from "../models/hub.ts";
import type { Engine } from "../onnx/engine.ts";
import { type Picture, toTensor } from "../tensor/pixels.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { featureDistance } from "./feature-distance.ts";
import { frechetDistance, positionGaussian } from "./frechet-distance.ts";
import { inceptionFeatures, inceptionMinSide } from "./inception-features.ts";
import { type LpipsTrunk, lpips, lpipsMinSide } from "./lpips.ts";
import { openWeights } from "./network-weights.ts";
import { runNetwork } from "./run-network.ts";

/** A distance of two pictures of one size; lower is closer, 0 is equal. */
export interface PictureMetric {
  /** As reports print it: what was measured, by whose weights. Never the name of a metric that was not run. */
  readonly name: string;
  compare(a: Picture, b: Picture): Promise<number>;
}

/** Files of the model cache's `metrics` folder, each written by test/golden/metrics.py from the PyTorch originals. */
const weightFiles = {
  vgg: "lpips-vgg.safetensors",
  alex: "lpips-alex.safetensors",
  inception: "inception-v3.safetensors",
};

/** LPIPS v0.1 and SIFID, those whose weights lie in the model cache's `metrics` folder: an absent file leaves its metrics out,
 * and `judgeMetrics` stands in under its own name. @throws UserError bad_config, bad_safetensors for a file that is there and does not fit */
export function openPictureMetrics(engine: Engine, hub: Hub): readonly PictureMetric[] {
  const folder = join(modelCache(hub), "metrics");
  const has = (file: string): boolean => existsSync(join(folder, file));
  return [
    ...(has(weightFiles.vgg) ? [lpipsMetric(engine, join(folder, weightFiles.vgg), "vgg")] : []),
    ...(has(weightFiles.alex) ? [lpipsMetric(engine, join(folder, weightFiles.alex), "alex")] : []),
    ...(has(weightFiles.inception) ? sifidMetrics(engine, join(folder, weightFiles.inception)) : []),
  ];
}

/** Both readings of one judge: its feature vector f32 [D] and its last feature map f32 [1, C, h, w]. */
export interface Judge {
  /** Goes into the metrics' names, e.g. `identity judge`. */
  readonly name: string;
  features(picture: Picture): Promise<{ readonly vector: Float32Array; readonly map: Tensor }>;
}

/** What stands in for LPIPS and SIFID where their weights are not: distances in a judge's features, named after it. */
export function judgeMetrics({ name, features }: Judge): readonly PictureMetric[] {
  const both = (a: Picture, b: Picture) => Promise.all([features(a), features(b)]);
  return [
    {
      name: `feature distance (${name})`,
      compare: async (...pictures) => {
        const [a, b] = await both(...pictures);
        return featureDistance(a.vector, b.vector);
      },
    },
    {
      name: `single-image Fréchet distance (${name})`,
      compare: async (...pictures) => {
        const [a, b] = await both(...pictures);
        return frechetDistance(positionGaussian(a.map), positionGaussian(b.map));
      },
    },
  ];
}

function lpipsMetric(engine: Engine, path: string, trunk: LpipsTrunk): PictureMetric {
  const weights = openWeights(path);
  const name = `LPIPS v0.1 (${{ vgg: "VGG16", alex: "AlexNet" }[trunk]})`;
  const run = runNetwork(engine, name, (shapeOf) => ({
    outputs: { distance: lpips(weights, trunk, input("a", shapeOf("a")), input("b", shapeOf("b"))) },
  }));
  return {
    name,
    compare: async (a, b) => {
      assertComparable(name, lpipsMinSide, a, b);
      const { distance } = await run({ a: toTensor(a), b: toTensor(b) });
      return (distance as Tensor).data[0] as number;
    },
  };
}

/** SIFID (Shaham et al. 2019, SinGAN): Fréchet distance of two pictures' Inception features, every position a sample. */
function sifidMetrics(engine: Engine, path: string): readonly PictureMetric[] {
  const weights = openWeights(path);
  return (["second", "first"] as const).map((reading) => {
    const name = `SIFID (${{ first: 64, second: 192 }[reading]}-d)`;
    const run = runNetwork(engine, name, (shapeOf) => ({
      outputs: { features: inceptionFeatures(weights, input("pixels", shapeOf("pixels")))[reading] },
    }));
    const gaussian = async (picture: Picture) =>
      positionGaussian((await run({ pixels: toTensor(picture) }))["features"] as Tensor);
    return {
      name,
      compare: async (a, b) => {
        assertComparable(name, inceptionMinSide, a, b);
        return frechetDistance(await gaussian(a), await gaussian(b));
      },
    };
  });
}

function assertComparable(metric: string, minSide: number, a: Picture, b: Picture): void {
  const size = ({ width, height }: Picture): string => `${width}×${height}`;
  if (size(a) !== size(b) || Math.min(a.width, a.height) < minSide) {
    throw new UserError(
      "bad_request",
      `${metric} compares two pictures of one size, ${minSide} pixels or more a side; got ${size(a)} and ${size(b)}. Resize them first.`,
    );
  }
}

import { addNoise } from "../diffusion/noise-levels.ts";
import { type Feeds, type OpenedModel, placeholder } from "../models/open-model.ts";
import type { CrossAttention } from "../models/spatial-transformer.ts";
import { timestepFeatures, unet } from "../models/unet.ts";
import { normal } from "../tensor/noise.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How strongly every place of a picture looks at one token, row by row. */
export interface AttentionMap {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Shares of the training timesteps: the middle, where the layout of the picture is decided. */
const moments = [0.3, 0.5, 0.7];
const draws = 2;

/** Cross-attention of the denoiser to the tokens start…start + count − 1 of the context [1, T, D], on noised latents [1, C, h, w]
 * (clean, scaled): the mean over heads, layers (enlarged to h × w), three timesteps and two draws of noise, one map per token, as
 * Tang et al. 2023 (What the DAAM) make them. Yields the share that is done. */
export async function* attentionMaps(
  model: OpenedModel,
  { latents, context, start, count }: { latents: Tensor; context: Tensor; start: number; count: number },
  seed: number,
): AsyncGenerator<number, readonly AttentionMap[]> {
  const [, , height, width] = latents.shape as [number, number, number, number];
  const sums = Array.from({ length: count }, () => new Float32Array(height * width));
  const total = moments.length * draws;
  for (let call = 0; call < total; call++) {
    const moment = moments[call % moments.length] as number;
    const timesteps = [Math.round(moment * (model.alphasCumprod.length - 1))];
    const noise = normal(latents.shape, { seed, stream: ["attention maps", call] });
    const noised = addNoise(model, latents, noise, timesteps);
    for (const layer of await crossAttention(model, noised, timesteps, context)) {
      for (const [i, sum] of sums.entries()) {
        const map = enlarge(meanOverHeads(layer, start + i), width, height);
        for (let at = 0; at < sum.length; at++)
          sum[at] = (sum[at] as number) + (map[at] as number) / layer.count / total;
      }
    }
    yield (call + 1) / total;
  }
  return sums.map((data) => ({ data, width, height }));
}

interface Layer {
  /** [1, heads, height · width, T] */
  readonly probabilities: Tensor;
  readonly height: number;
  readonly width: number;
  /** Of all layers. */
  readonly count: number;
}

async function crossAttention(
  model: OpenedModel,
  latents: Tensor,
  timesteps: readonly number[],
  context: Tensor,
): Promise<readonly Layer[]> {
  const timeFeatures = timestepFeatures(model.parts.unet.config, timesteps);
  const feeds = { latents, timeFeatures, context };
  const layersOf = (given: Feeds): readonly CrossAttention[] => {
    const layers: CrossAttention[] = [];
    unet(model.parts.unet, {
      latents: placeholder(given, "latents"),
      timeFeatures: placeholder(given, "timeFeatures"),
      context: placeholder(given, "context"),
      watch: (layer) => void layers.push(layer),
    });
    return layers;
  };
  const graph = (given: Feeds) => ({
    outputs: Object.fromEntries(layersOf(given).map(({ path, probabilities }) => [path, probabilities])),
  });
  const found = await model.run("cross attention", graph, feeds);
  // Building is cheap beside running, and tells the layers' sizes where the session is cached already.
  const layers = layersOf(feeds);
  return layers.map(({ path, height, width }) => ({
    probabilities: found[path] as Tensor,
    height,
    width,
    count: layers.length,
  }));
}

function meanOverHeads({ probabilities: { data, shape }, width, height }: Layer, token: number): AttentionMap {
  const [, heads, pixels, tokens] = shape as [number, number, number, number];
  const mean = new Float32Array(pixels);
  for (let head = 0; head < heads; head++) {
    for (let pixel = 0; pixel < pixels; pixel++) {
      mean[pixel] = (mean[pixel] as number) + (data[(head * pixels + pixel) * tokens + token] as number) / heads;
    }
  }
  return { data: mean, width, height };
}

/** Bilinear, between the middles of cells; edges are held. */
export function enlarge(map: AttentionMap, width: number, height: number): Float32Array {
  const axis = (i: number, size: number, cells: number): readonly [number, number, number] => {
    const at = Math.min(Math.max(((i + 0.5) * cells) / size - 0.5, 0), cells - 1);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, cells - 1), at - low];
  };
  const value = (x: number, y: number): number => map.data[y * map.width + x] as number;
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [left, right, fx] = axis(i % width, width, map.width);
    const [top, bottom, fy] = axis(Math.floor(i / width), height, map.height);
    const upper = value(left, top) * (1 - fx) + value(right, top) * fx;
    return upper * (1 - fy) + (value(left, bottom) * (1 - fx) + value(right, bottom) * fx) * fy;
  });
}

import { type Graph, walk } from "../../functions/graph/graph.ts";
import { lossGraph } from "../../functions/inversion/loss-graph.ts";
import { downscaleOf, openAutoencoder } from "../../functions/models/autoencoder.ts";
import { openClipText } from "../../functions/models/clip-text.ts";
import { timestepFeatures } from "../../functions/models/unet.ts";
import { openUnet } from "../../functions/models/unet-config.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { normal } from "../../functions/tensor/noise.ts";
import { type Shape, sizeOf, type Tensor, tensor } from "../../functions/tensor/tensor.ts";
import { cosine, relativeDifference } from "./agreement.ts";
import { type Measured, modelFolder, ours, pytorch } from "./contenders.ts";
import { countFlops } from "./count-flops.ts";
import { compare, type Report } from "./report.ts";
import type { BenchSettings } from "./settings.ts";

/** One training step: the denoising loss and its gradient in the prompt's embeddings. */
export async function benchStep(settings: BenchSettings): Promise<Report> {
  const folder = modelFolder(settings);
  const parts = { text: openClipText(folder), unet: openUnet(folder), autoencoder: openAutoencoder(folder) };
  const downscale = downscaleOf(parts.autoencoder.config);
  // Stable Diffusion at 256 pixels; smaller models at their own size, with the batch that learning uses.
  const own = parts.unet.config.sample_size * downscale;
  const side = settings.side ?? Math.min(256, own);
  const batch = settings.batch ?? (own > 256 ? 1 : 4);
  const cells = side / downscale;
  const shape = {
    batch,
    tokens: parts.text.config.max_position_embeddings,
    latentShape: [parts.unet.config.in_channels, cells, cells],
  };
  const graph = lossGraph(parts, shape, true);
  const { timesteps, ...data } = inputs(shape, parts.text.config.hidden_size);
  const feeds = { ...data, timeFeatures: timestepFeatures(parts.unet.config, [...timesteps.data]) };

  const contenders: Measured[] = [];
  for (const preset of settings.presets) {
    const contender = await ours(
      settings,
      preset,
      async (engine) => {
        const session = await engine.load(lower(graph, { preset, target: "cpu" }), { label: "step" });
        return async () => {
          const { losses, gradient } = (await session.run(feeds)) as { losses: Tensor; gradient: Tensor };
          // PyTorch's is of the mean of the losses, ours of their sum.
          return { losses, gradient: { ...gradient, data: gradient.data.map((value) => value / batch) } };
        };
      },
      1,
    );
    contenders.push(contender);
  }
  const work = { data: { ...data, timesteps } };
  if (settings.compile) contenders.push(await pytorch(settings, { ...work, compile: true }));
  return compare(settings, {
    what: `step: ${settings.model}, batch ${batch}, ${side} px`,
    gflop: countFlops(graph) / 1e9,
    weightBytes: weightBytes(graph),
    contenders: [...contenders, await pytorch(settings, work)],
    agreement: (mine, theirs) => ({
      "loss, relative difference": relativeDifference(mine["losses"], theirs["losses"]),
      "gradient, relative L2": relativeDifference(mine["gradient"], theirs["gradient"]),
      "gradient, 1 − cosine": 1 - cosine(mine["gradient"], theirs["gradient"]),
    }),
  });
}

/** Random inputs of realistic size, the same in every run. */
function inputs({ batch, tokens, latentShape }: { batch: number; tokens: number; latentShape: Shape }, width: number) {
  const draw = (stream: string, shape: Shape, size = 1): Tensor => {
    const { data } = normal(shape, { seed: 1, stream: ["bench", stream] });
    return tensor(
      data.map((x) => x * size),
      shape,
    );
  };
  return {
    embeddings: draw("embeddings", [batch, tokens, width], 0.03),
    latents: draw("latents", [batch, ...latentShape]),
    target: draw("target", [batch, ...latentShape]),
    weights: tensor(new Float32Array(batch * sizeOf(latentShape.slice(1))).fill(1), [
      batch,
      1,
      ...latentShape.slice(1),
    ]),
    timesteps: tensor(
      Float32Array.from({ length: batch }, (_, i) => Math.floor((1000 * (i + 0.5)) / batch)),
      [batch],
    ),
  };
}

/** Bytes of the weights that a graph reads, as they lie in their files. */
export const weightBytes = (...graphs: readonly Graph[]): number => {
  const values = graphs.flatMap((graph) => walk(Object.values(graph.outputs)));
  const lengths = new Map(values.flatMap((v) => (v.kind === "weight" ? [[v.name, v.location.length]] : [])));
  return [...lengths.values()].reduce((sum, length) => sum + length, 0);
};

import { sample } from "../../functions/diffusion/sample.ts";
import { input } from "../../functions/graph/value.ts";
import { decoder } from "../../functions/models/autoencoder.ts";
import { clipText } from "../../functions/models/clip-text.ts";
import { type OpenedModel, openModel } from "../../functions/models/open-model.ts";
import { promptTokens } from "../../functions/models/prompt-tokens.ts";
import { unet } from "../../functions/models/unet.ts";
import { part, stack } from "../../functions/tensor/batch.ts";
import { normal } from "../../functions/tensor/noise.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { drain } from "../support/drain.ts";
import { relativeDifference } from "./agreement.ts";
import { type Measured, modelFolder, ours, pytorch, type Results } from "./contenders.ts";
import { countFlops } from "./count-flops.ts";
import { compare, type Report } from "./report.ts";
import type { BenchSettings } from "./settings.ts";
import { weightBytes } from "./step.ts";

const steps = 30;
const guidance = 7.5;

/** One picture at the model's own size: text encoder, 30 steps of DDIM with guidance 7.5, decoder. */
export async function benchImagine(settings: BenchSettings): Promise<Report> {
  const contenders: Measured[] = [];
  let data: Results | undefined;
  let work = { gflop: 0, weightBytes: 0 };
  for (const preset of settings.presets) {
    const contender = await ours(settings, preset, async (engine) => {
      const model = openModel(settings.model, modelFolder(settings), engine);
      const embeddings = stack(["", "a red apple in space"].map((prompt) => promptTokens(model, [prompt]).embeddings));
      const noise = normal([1, ...model.latentShape], { seed: 1, stream: ["bench", "imagine"] });
      data = { embeddings, noise };
      work = needs(model);
      return async () => ({ pixels: await picture(model, embeddings, noise) });
    });
    contenders.push(contender);
  }
  if (!data) throw new Error("imagine: no preset to measure");
  const peerWork = { data, extra: { steps, guidance } };
  return compare(settings, {
    what: `imagine: ${settings.model}, ${steps} steps of DDIM, guidance ${guidance}`,
    ...work,
    contenders: [...contenders, await pytorch(settings, peerWork)],
    agreement: (mine, theirs) => ({ "pixels, relative L2": relativeDifference(mine["pixels"], theirs["pixels"]) }),
  });
}

async function picture(model: OpenedModel, embeddings: Tensor, noise: Tensor): Promise<Tensor> {
  const contexts = await model.encodeText(embeddings);
  const sampling = sample({
    model,
    sampler: "ddim",
    steps,
    guidance,
    negativeContext: part(contexts, 0, 1),
    context: part(contexts, 1, 2),
    seeds: [1],
    noise,
  });
  const { returned: latents } = await drain(sampling);
  return model.decodeLatents(latents);
}

/** Operations and weights of the three networks. */
function needs({ parts, latentShape, tokenizer, width }: OpenedModel): { gflop: number; weightBytes: number } {
  const tokens = [2, tokenizer.length, width];
  const text = { outputs: { context: clipText(parts.text, input("embeddings", tokens)) } };
  const prediction = unet(parts.unet, {
    latents: input("latents", [2, ...latentShape]),
    timeFeatures: input("timeFeatures", [2, parts.unet.config.block_out_channels[0] as number]),
    context: input("context", tokens),
  });
  const network = { outputs: { prediction } };
  const picture = { outputs: { pixels: decoder(parts.autoencoder, input("latents", [1, ...latentShape])) } };
  const flops = countFlops(text) + steps * countFlops(network) + countFlops(picture);
  return { gflop: flops / 1e9, weightBytes: weightBytes(text, network, picture) };
}

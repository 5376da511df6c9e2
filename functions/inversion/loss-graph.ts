import { gradient } from "../autodiff/gradient.ts";
import type { Graph } from "../graph/graph.ts";
import { input, type Value } from "../graph/value.ts";
import { clipText } from "../models/clip-text.ts";
import type { Parts } from "../models/open-model.ts";
import { unet } from "../models/unet.ts";
import { squaredError } from "../ops/squared-error.ts";
import { sumTo } from "../ops/sum-to.ts";
import type { Shape } from "../tensor/tensor.ts";

export interface LossShape {
  /** B */
  readonly batch: number;
  /** T */
  readonly tokens: number;
  /** [C, h, w] */
  readonly latentShape: Shape;
}

/** The denoising loss of one batch, and its gradient in the token embeddings, as one graph.
 *
 * Inputs: embeddings [B, T, D]; latents [B, C, h, w], noisy; timeFeatures [B, E]; target [B, C, h, w], noise or velocity;
 * weights [B, 1, h, w]. Outputs: losses [B], each mean(weights · (prediction − target)²) (Gal et al. 2022, eq. 2), and,
 * when asked for, gradient [B, T, D] of their sum: each row's is that of its own loss, whatever else is in the batch. */
export function lossGraph(parts: Parts, { batch, tokens, latentShape }: LossShape, withGradient: boolean): Graph {
  const { text, unet: network } = parts;
  const embeddings = input("embeddings", [batch, tokens, text.config.hidden_size]);
  const prediction = unet(network, {
    latents: input("latents", [batch, ...latentShape]),
    timeFeatures: input("timeFeatures", [batch, network.config.block_out_channels[0] as number]),
    context: clipText(text, embeddings),
  });
  const target = input("target", [batch, ...latentShape]);
  const weights = input("weights", [batch, 1, ...latentShape.slice(1)]);
  const losses = squaredError(prediction, target, weights);
  if (!withGradient) return { outputs: { losses } };
  return { outputs: { losses, gradient: gradient(sumTo(losses, []), [embeddings])[0] as Value } };
}

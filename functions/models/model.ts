import type { Shape, Tensor } from "../tensor/tensor.ts";
import type { UnknownWord } from "./unknown-words.ts";

/** What the network predicts: the noise (epsilon) or the velocity v (Salimans & Ho 2022). */
export type Prediction = "epsilon" | "v_prediction";

/** How sampling steps spread over the training timesteps (Lin et al. 2024, table 2). */
export type TimestepSpacing = "leading" | "linspace" | "trailing";

/** CLIP byte-pair tokenizer of one checkpoint. Ids of placeholder tokens never appear here: see inversion/prompt. */
export interface Tokenizer {
  /** Token ids of the text without begin / end / padding. */
  encode(text: string): readonly number[];
  decode(ids: readonly number[]): string;
  readonly beginId: number;
  readonly endId: number;
  readonly padId: number;
  /** Sequence length T, begin and end included. */
  readonly length: number;
  /** Words of the text that the model never saw in training; always empty for checkpoints without `vocabulary.json`. */
  unknownWords(text: string): readonly UnknownWord[];
}

/** A frozen latent diffusion model opened from a diffusers folder.
 * B pictures, C latent channels, H×W pixels, T tokens, D embedding width. */
export interface Model {
  /** Catalogue name or folder as the user gave it. */
  readonly id: string;
  /** sha-256 (hex) over every component's config, safetensors header and weights, large files sampled: see fingerprint. */
  readonly hash: string;
  readonly tokenizer: Tokenizer;
  /** D. */
  readonly width: number;
  /** Side in pixels that the model was trained at. */
  readonly side: number;
  /** [C, side/f, side/f] of one picture. */
  readonly latentShape: Shape;
  readonly prediction: Prediction;
  /** Cumulative product of 1 − beta per training timestep (Ho et al. 2020), length 1,000. */
  readonly alphasCumprod: Float64Array;
  /** Extra keys of the checkpoint's scheduler_config.json that samplers honour. */
  readonly scheduler: {
    readonly stepsOffset: number;
    readonly setAlphaToOne: boolean;
    /** Absent when the config does not name it: each sampler then has its own. */
    readonly spacing?: TimestepSpacing;
  };
  /** Rows of the token-embedding table: f32 [ids.length, D]. */
  embed(ids: readonly number[]): Tensor;
  /** embeddings: f32 [B, T, D] (before position embeddings) → context f32 [B, T, D]. */
  encodeText(embeddings: Tensor): Promise<Tensor>;
  /** latents f32 [B, C, h, w], one timestep (0–999, may be fractional) per picture, context [B, T, D] → prediction f32 [B, C, h, w]. */
  predict(latents: Tensor, timesteps: readonly number[], context: Tensor): Promise<Tensor>;
  /** pixels f32 [B, 3, H, W] in [−1, 1] → posterior of the latents, each f32 [B, C, h, w], not yet scaled. */
  encodePixels(pixels: Tensor): Promise<{ readonly mean: Tensor; readonly logVariance: Tensor }>;
  /** scaled latents f32 [B, C, h, w] → pixels f32 [B, 3, H, W], about [−1, 1], not clamped. */
  decodeLatents(latents: Tensor): Promise<Tensor>;
  /** Scaling factor of the latents (Rombach et al. 2022, sec. 3.1). */
  readonly scalingFactor: number;
  close(): Promise<void>;
}

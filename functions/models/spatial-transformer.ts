import type { Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { attention, attentionProbabilities } from "../ops/attention.ts";
import { geglu } from "../ops/gelu.ts";
import { reshape } from "../ops/reshape.ts";
import { transpose } from "../ops/transpose.ts";
import { conv1x1OfTokens, groupNormLayer, layerNormLayer, linearLayer, type Weights } from "./layers.ts";

/** Where the pixels of one layer look in the prompt. */
export interface CrossAttention {
  /** The layer as its parameters are named. */
  readonly path: string;
  /** [B, heads, height · width, T], each row sums to 1. */
  readonly probabilities: Value;
  readonly height: number;
  readonly width: number;
}

export interface SpatialTransformerOptions {
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  /** SD 2.x projects with linear layers, SD 1.x with 1×1 convolutions. */
  readonly linearProjection: boolean;
  /** Is shown every layer's cross-attention; the network itself stays the same. */
  readonly watch?: ((layer: CrossAttention) => void) | undefined;
}

/** Transformer2DModel: every pixel a token, self-attention then cross-attention to the context [B, T, D]. */
export function spatialTransformer(
  w: Weights,
  path: string,
  x: Value,
  context: Value,
  options: SpatialTransformerOptions,
): Value {
  const channels = x.shape[1] as number;
  const normed = groupNormLayer(w, `${path}.norm`, x, { groups: options.groups, epsilon: 1e-6 });
  const project = options.linearProjection ? linearLayer : conv1x1OfTokens;
  let tokens = project(w, `${path}.proj_in`, toTokens(normed), channels);
  for (let i = 0; i < options.layers; i++) {
    const block = `${path}.transformer_blocks.${i}`;
    const [, , height, width] = x.shape as [number, number, number, number];
    tokens = transformerBlock(w, block, tokens, context, options.heads, (probabilities) =>
      options.watch?.({ path: `${block}.attn2`, probabilities: probabilities(), height, width }),
    );
  }
  return add(toImage(project(w, `${path}.proj_out`, tokens, channels), x), x);
}

/** BasicTransformerBlock: pre-norm self-attention, cross-attention and GEGLU feed-forward, each residual. */
function transformerBlock(
  w: Weights,
  path: string,
  x: Value,
  context: Value,
  heads: number,
  watchCross: (probabilities: () => Value) => void,
): Value {
  const width = x.shape[2] as number;
  const norm = (name: string, value: Value): Value => layerNormLayer(w, `${path}.${name}`, value, 1e-5);
  const attend = (name: string, queries: Value, keys: Value): Value => {
    const project = (part: string, value: Value): Value =>
      linearLayer(w, `${path}.${name}.${part}`, value, width, false);
    const [q, k] = [project("to_q", queries), project("to_k", keys)];
    if (name === "attn2") watchCross(() => attentionProbabilities(q, k, heads));
    const mixed = attention(q, k, project("to_v", keys), heads);
    return linearLayer(w, `${path}.${name}.to_out.0`, mixed, width);
  };
  const normed = norm("norm1", x);
  const afterSelf = add(x, attend("attn1", normed, normed));
  const afterCross = add(afterSelf, attend("attn2", norm("norm2", afterSelf), context));
  const hidden = geglu(linearLayer(w, `${path}.ff.net.0.proj`, norm("norm3", afterCross), 8 * width));
  return add(afterCross, linearLayer(w, `${path}.ff.net.2`, hidden, width));
}

/** [B, C, H, W] → [B, H·W, C]. */
export function toTokens(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return transpose(reshape(x, [batch, channels, height * width]), [0, 2, 1]);
}

/** [B, H·W, C] → [B, C, H, W] with height and width of `like`. */
export function toImage(tokens: Value, like: Value): Value {
  const [batch, , height, width] = like.shape as [number, number, number, number];
  return reshape(transpose(tokens, [0, 2, 1]), [batch, tokens.shape[2] as number, height, width]);
}

import type { Value } from "../graph/value.ts";
import { concat } from "../ops/concat.ts";
import { resizeNearest } from "../ops/resize-nearest.ts";
import { silu } from "../ops/silu.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import type { Component } from "./component.ts";
import { conv3x3, convLayer, groupNormLayer, linearLayer, resnetBlock } from "./layers.ts";
import { type CrossAttention, spatialTransformer } from "./spatial-transformer.ts";
import { perBlock, type UnetConfig } from "./unet-config.ts";

export interface UnetInputs {
  /** [B, C, h, w] */
  readonly latents: Value;
  /** [B, block_out_channels[0]] from timestepFeatures */
  readonly timeFeatures: Value;
  /** [B, T, D] */
  readonly context: Value;
  /** Is shown every layer's cross-attention, in the order of the layers; the network itself stays the same. */
  readonly watch?: (layer: CrossAttention) => void;
}

/** UNet2DConditionModel in the SD 1.x / 2.x layout (Rombach et al. 2022): the predicted noise or velocity [B, C, h, w]. */
export function unet(component: Component<UnetConfig>, { latents, timeFeatures, context, watch }: UnetInputs): Value {
  const { config } = component;
  const channels = config.block_out_channels;
  const levels = channels.length;
  const norm = { groups: config.norm_num_groups, epsilon: config.norm_eps };
  const time = silu(timeEmbedding(component, timeFeatures));
  const resnet = (path: string, x: Value, width: number): Value => resnetBlock(component, path, x, width, norm, time);
  const transformer = (path: string, x: Value, level: number): Value =>
    spatialTransformer(component, path, x, context, {
      heads: perBlock(config.num_attention_heads ?? config.attention_head_dim, level),
      layers: perBlock(config.transformer_layers_per_block, level),
      groups: config.norm_num_groups,
      linearProjection: config.use_linear_projection,
      watch,
    });

  let x = conv3x3(component, "conv_in", latents, channels[0] as number);
  const skips = [x];
  for (const [level, type] of config.down_block_types.entries()) {
    const path = `down_blocks.${level}`;
    for (let i = 0; i < perBlock(config.layers_per_block, level); i++) {
      x = resnet(`${path}.resnets.${i}`, x, channels[level] as number);
      if (type === "CrossAttnDownBlock2D") x = transformer(`${path}.attentions.${i}`, x, level);
      skips.push(x);
    }
    if (level < levels - 1) {
      const options = { stride: 2, pads: config.downsample_padding === 0 ? [0, 0, 1, 1] : [1, 1, 1, 1] };
      x = convLayer(component, `${path}.downsamplers.0.conv`, x, channels[level] as number, 3, options);
      skips.push(x);
    }
  }

  x = resnet("mid_block.resnets.0", x, channels[levels - 1] as number);
  x = transformer("mid_block.attentions.0", x, levels - 1);
  x = resnet("mid_block.resnets.1", x, channels[levels - 1] as number);

  for (const [index, type] of config.up_block_types.entries()) {
    const level = levels - 1 - index;
    const path = `up_blocks.${index}`;
    for (let i = 0; i <= perBlock(config.layers_per_block, level); i++) {
      x = resnet(`${path}.resnets.${i}`, concat([x, skips.pop() as Value], 1), channels[level] as number);
      if (type === "CrossAttnUpBlock2D") x = transformer(`${path}.attentions.${i}`, x, level);
    }
    if (level > 0) x = conv3x3(component, `${path}.upsamplers.0.conv`, resizeNearest(x), channels[level] as number);
  }
  x = silu(groupNormLayer(component, "conv_norm_out", x, norm));
  return conv3x3(component, "conv_out", x, config.out_channels);
}

function timeEmbedding(component: Component<UnetConfig>, features: Value): Value {
  const width = 4 * (component.config.block_out_channels[0] as number);
  const hidden = silu(linearLayer(component, "time_embedding.linear_1", features, width));
  return linearLayer(component, "time_embedding.linear_2", hidden, width);
}

/** Sinusoidal timestep features, the network's time input: f32 [timesteps.length, block_out_channels[0]] (Vaswani et al. 2017; diffusers' Timesteps). */
export function timestepFeatures(config: UnetConfig, timesteps: readonly number[]): Tensor {
  const width = config.block_out_channels[0] as number;
  const half = width / 2;
  const features = new Float32Array(timesteps.length * width);
  for (const [row, timestep] of timesteps.entries()) {
    for (let i = 0; i < half; i++) {
      // In f32 like the reference, whose frequencies the weights were trained on.
      const exponent = Math.fround((-Math.log(10_000) * i) / (half - config.freq_shift));
      const angle = Math.fround(timestep * Math.fround(Math.exp(exponent)));
      const [first, second] = config.flip_sin_to_cos ? [Math.cos, Math.sin] : [Math.sin, Math.cos];
      features[row * width + i] = first(angle);
      features[row * width + half + i] = second(angle);
    }
  }
  return tensor(features, [timesteps.length, width]);
}

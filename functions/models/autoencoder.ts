import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { attention } from "../ops/attention.ts";
import { resizeNearest } from "../ops/resize-nearest.ts";
import { silu } from "../ops/silu.ts";
import { slice } from "../ops/slice.ts";
import { type Component, openComponent } from "./component.ts";
import { conv1x1, conv3x3, convLayer, groupNormLayer, linearLayer, resnetBlock } from "./layers.ts";
import { toImage, toTokens } from "./spatial-transformer.ts";
import { publicKeys } from "./unet-config.ts";

/** diffusers' AutoencoderKL config; an unknown key or value is an error that names it. */
const AutoencoderConfig = z
  .strictObject({
    in_channels: z.literal(3).default(3),
    out_channels: z.literal(3).default(3),
    down_block_types: z.array(z.literal("DownEncoderBlock2D")),
    up_block_types: z.array(z.literal("UpDecoderBlock2D")),
    block_out_channels: z.array(z.int().positive()).min(1),
    layers_per_block: z.int().positive().default(1),
    act_fn: z.literal("silu").default("silu"),
    latent_channels: z.int().positive().default(4),
    norm_num_groups: z.int().positive().default(32),
    sample_size: z.int().positive().default(512),
    scaling_factor: z.number().positive().default(0.18215),
    shift_factor: z.null().default(null),
    latents_mean: z.null().default(null),
    latents_std: z.null().default(null),
    force_upcast: z.boolean().default(true),
    use_quant_conv: z.boolean().default(true),
    use_post_quant_conv: z.boolean().default(true),
    mid_block_add_attention: z.boolean().default(true),
  })
  .refine(
    (c) =>
      c.down_block_types.length === c.block_out_channels.length &&
      c.up_block_types.length === c.block_out_channels.length,
    { message: "down_block_types, up_block_types and block_out_channels must have the same length" },
  );
export type AutoencoderConfig = z.infer<typeof AutoencoderConfig>;

/** `<folder>/vae`. @throws UserError not_found, bad_config, bad_safetensors */
export const openAutoencoder = (folder: string): Component<AutoencoderConfig> =>
  openComponent(folder, "vae", publicKeys(AutoencoderConfig));

/** Pixels per latent cell along one side. */
export const downscaleOf = (config: AutoencoderConfig): number => 2 ** (config.block_out_channels.length - 1);

const normOf = (config: AutoencoderConfig) => ({ groups: config.norm_num_groups, epsilon: 1e-6 });

/** Encoder: pixels [B, 3, H, W] in [−1, 1] → posterior mean and log-variance, each [B, C, H/f, W/f], log-variance not
 * clamped (Kingma & Welling 2014; Rombach et al. 2022). */
export function encoder(component: Component<AutoencoderConfig>, pixels: Value): { mean: Value; logVariance: Value } {
  const { config } = component;
  const channels = config.block_out_channels;
  let x = conv3x3(component, "encoder.conv_in", pixels, channels[0] as number);
  for (const [level, width] of channels.entries()) {
    const path = `encoder.down_blocks.${level}`;
    for (let i = 0; i < config.layers_per_block; i++) {
      x = resnetBlock(component, `${path}.resnets.${i}`, x, width, normOf(config));
    }
    if (level < channels.length - 1) {
      x = convLayer(component, `${path}.downsamplers.0.conv`, x, width, 3, { stride: 2, pads: [0, 0, 1, 1] });
    }
  }
  x = midBlock(component, "encoder.mid_block", x);
  x = silu(groupNormLayer(component, "encoder.conv_norm_out", x, normOf(config)));
  const latent = config.latent_channels;
  x = conv3x3(component, "encoder.conv_out", x, 2 * latent);
  if (config.use_quant_conv) x = conv1x1(component, "quant_conv", x, 2 * latent);
  return { mean: slice(x, 1, 0, latent), logVariance: slice(x, 1, latent, 2 * latent) };
}

/** Decoder: unscaled latents [B, C, h, w] → pixels [B, 3, h·f, w·f]. */
export function decoder(component: Component<AutoencoderConfig>, latents: Value): Value {
  const { config } = component;
  const channels = config.block_out_channels.toReversed();
  let x = config.use_post_quant_conv ? conv1x1(component, "post_quant_conv", latents, config.latent_channels) : latents;
  x = conv3x3(component, "decoder.conv_in", x, channels[0] as number);
  x = midBlock(component, "decoder.mid_block", x);
  for (const [index, width] of channels.entries()) {
    const path = `decoder.up_blocks.${index}`;
    for (let i = 0; i <= config.layers_per_block; i++) {
      x = resnetBlock(component, `${path}.resnets.${i}`, x, width, normOf(config));
    }
    if (index < channels.length - 1) x = conv3x3(component, `${path}.upsamplers.0.conv`, resizeNearest(x), width);
  }
  x = silu(groupNormLayer(component, "decoder.conv_norm_out", x, normOf(config)));
  return conv3x3(component, "decoder.conv_out", x, 3);
}

function midBlock(component: Component<AutoencoderConfig>, path: string, input: Value): Value {
  const width = input.shape[1] as number;
  const norm = normOf(component.config);
  const x = resnetBlock(component, `${path}.resnets.0`, input, width, norm);
  const attended = component.config.mid_block_add_attention ? midAttention(component, `${path}.attentions.0`, x) : x;
  return resnetBlock(component, `${path}.resnets.1`, attended, width, norm);
}

/** Parameter names before diffusers 0.15, which the SD 1.x checkpoints still carry. */
const oldNames = { to_q: "query", to_k: "key", to_v: "value", "to_out.0": "proj_attn" };

/** Single-head self-attention over all pixels. */
function midAttention(component: Component<AutoencoderConfig>, path: string, x: Value): Value {
  const width = x.shape[1] as number;
  const tokens = toTokens(groupNormLayer(component, `${path}.group_norm`, x, normOf(component.config)));
  const project = (name: keyof typeof oldNames, value: Value): Value => {
    const current = component.has(`${path}.${name}.weight`) ? name : oldNames[name];
    return linearLayer(component, `${path}.${current}`, value, width);
  };
  const mixed = attention(project("to_q", tokens), project("to_k", tokens), project("to_v", tokens), 1);
  return add(toImage(project("to_out.0", mixed), x), x);
}

import { z } from "zod";
import { type Component, openComponent } from "./component.ts";

const perLevel = z.union([z.int().positive(), z.array(z.int().positive())]);

/** A feature of UNet2DConditionModel that SD 1.x and 2.x do not use: only its neutral value is understood. */
const only = <const T extends string | number | boolean | null>(value: T) => z.literal(value).default(value as never);

/** For people who bring one of the most common checkpoints that do not fit. */
export const notXl = "Stable Diffusion XL is not supported, use a checkpoint of 1.x or 2.x";

/** Every key that diffusers writes; an unknown key or value is an error that names it. */
const UnetConfig = z
  .strictObject({
    /** Side of the latents; 1,024 cells are 8,192 pixels. */
    sample_size: z.int().positive().max(1024),
    in_channels: z.int().positive().default(4),
    out_channels: z.int().positive().default(4),
    flip_sin_to_cos: z.boolean().default(true),
    freq_shift: z.number().default(0),
    down_block_types: z.array(z.enum(["DownBlock2D", "CrossAttnDownBlock2D"])),
    up_block_types: z.array(z.enum(["UpBlock2D", "CrossAttnUpBlock2D"])),
    block_out_channels: z.array(z.int().positive().multipleOf(2)).min(1),
    layers_per_block: perLevel.default(2),
    /** 0: one row and column of zeros at the bottom and right only (a diffusers quirk). */
    downsample_padding: z.union([z.literal(0), z.literal(1)]).default(1),
    norm_num_groups: z.int().positive().default(32),
    norm_eps: z.number().positive().default(1e-5),
    cross_attention_dim: z.int().positive(),
    /** Number of heads, despite its name (a diffusers quirk that checkpoints depend on). */
    attention_head_dim: perLevel.default(8),
    num_attention_heads: perLevel.nullable().default(null),
    use_linear_projection: z.boolean().default(false),
    transformer_layers_per_block: perLevel.default(1),
    /** How the reference computes; ours is always f32. */
    upcast_attention: z.boolean().nullable().default(false),
    dropout: z.number().default(0),
    addition_embed_type_num_heads: z.number().default(64),
    act_fn: only("silu"),
    center_input_sample: only(false),
    mid_block_type: only("UNetMidBlock2DCrossAttn"),
    mid_block_scale_factor: only(1),
    only_cross_attention: only(false),
    reverse_transformer_layers_per_block: only(null),
    encoder_hid_dim: only(null),
    encoder_hid_dim_type: only(null),
    dual_cross_attention: only(false),
    class_embed_type: only(null),
    addition_embed_type: z
      .literal(null, { error: ({ input }) => (input === "text_time" ? notXl : undefined) })
      .default(null),
    addition_time_embed_dim: only(null),
    num_class_embeds: only(null),
    resnet_time_scale_shift: only("default"),
    resnet_skip_time_act: only(false),
    resnet_out_scale_factor: only(1),
    time_embedding_type: only("positional"),
    time_embedding_dim: only(null),
    time_embedding_act_fn: only(null),
    timestep_post_act: only(null),
    time_cond_proj_dim: only(null),
    conv_in_kernel: only(3),
    conv_out_kernel: only(3),
    projection_class_embeddings_input_dim: only(null),
    attention_type: only("default"),
    class_embeddings_concat: only(false),
    mid_block_only_cross_attention: z.union([z.null(), z.literal(false)]).default(null),
    cross_attention_norm: only(null),
  })
  .refine(
    (c) =>
      c.down_block_types.length === c.block_out_channels.length &&
      c.up_block_types.length === c.block_out_channels.length,
    { message: "down_block_types, up_block_types and block_out_channels must have the same length" },
  )
  .refine((c) => c.block_out_channels.every((width) => width % c.norm_num_groups === 0), {
    message: "every entry of block_out_channels must divide into norm_num_groups groups",
  });
export type UnetConfig = z.infer<typeof UnetConfig>;

/** Keys that start with an underscore say who wrote the file. */
const withoutPrivateKeys = (json: unknown): unknown =>
  typeof json === "object" && json !== null && !Array.isArray(json)
    ? Object.fromEntries(Object.entries(json).filter(([key]) => !key.startsWith("_")))
    : json;

/** `<folder>/unet`. @throws UserError not_found, bad_config, bad_safetensors */
export const openUnet = (folder: string): Component<UnetConfig> =>
  openComponent(folder, "unet", publicKeys(UnetConfig));

/** Validates what is left after dropping the keys that start with an underscore (class and version names). */
export const publicKeys = <T extends z.ZodType>(schema: T) => z.preprocess(withoutPrivateKeys, schema);

/** A setting that is one number for all levels or one per level. */
export function perBlock(setting: number | readonly number[], level: number): number {
  return typeof setting === "number" ? setting : (setting[level] as number);
}

import { z } from "zod";
import type { Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { attention } from "../ops/attention.ts";
import { gelu } from "../ops/gelu.ts";
import { quickGelu } from "../ops/silu.ts";
import { slice } from "../ops/slice.ts";
import { type Component, openComponent } from "./component.ts";
import { layerNormLayer, linearLayer } from "./layers.ts";

/** transformers' CLIPTextModel config; keys that do not change inference are ignored. */
const ClipTextConfig = z.looseObject({
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  intermediate_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  max_position_embeddings: z.int().positive(),
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
});
export type ClipTextConfig = z.infer<typeof ClipTextConfig>;

/** `<folder>/text_encoder`. @throws UserError not_found, bad_config, bad_safetensors */
export const openClipText = (folder: string): Component<ClipTextConfig> =>
  openComponent(folder, "text_encoder", ClipTextConfig);

/** Name of the token-embedding table, f32 [vocabulary, D]. */
export const tokenEmbedding = "text_model.embeddings.token_embedding.weight";

const activations = { quick_gelu: quickGelu, gelu };

/** CLIP text transformer (Radford et al. 2021) from token embeddings on: embeddings [B, T, D] → context [B, T, D],
 * causal, final layer norm included. */
export function clipText(component: Component<ClipTextConfig>, embeddings: Value): Value {
  const { config } = component;
  const width = config.hidden_size;
  const positions = component.weight("text_model.embeddings.position_embedding.weight", [
    config.max_position_embeddings,
    width,
  ]);
  let x = add(embeddings, slice(positions, 0, 0, embeddings.shape[1] as number));
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const path = `text_model.encoder.layers.${i}`;
    const normed = layerNormLayer(component, `${path}.layer_norm1`, x, config.layer_norm_eps);
    const [q, k, v] = ["q_proj", "k_proj", "v_proj"].map((name) =>
      linearLayer(component, `${path}.self_attn.${name}`, normed, width),
    ) as [Value, Value, Value];
    const mixed = attention(q, k, v, config.num_attention_heads, true);
    x = add(x, linearLayer(component, `${path}.self_attn.out_proj`, mixed, width));
    const normed2 = layerNormLayer(component, `${path}.layer_norm2`, x, config.layer_norm_eps);
    const hidden = activations[config.hidden_act](
      linearLayer(component, `${path}.mlp.fc1`, normed2, config.intermediate_size),
    );
    x = add(x, linearLayer(component, `${path}.mlp.fc2`, hidden, width));
  }
  return layerNormLayer(component, "text_model.final_layer_norm", x, config.layer_norm_eps);
}

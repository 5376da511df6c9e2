import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { input, weight } from "../../functions/graph/value.ts";
import { type AutoencoderConfig, decoder, encoder } from "../../functions/models/autoencoder.ts";
import { type ClipTextConfig, clipText, tokenEmbedding } from "../../functions/models/clip-text.ts";
import type { Component } from "../../functions/models/component.ts";
import { unet } from "../../functions/models/unet.ts";
import type { UnetConfig } from "../../functions/models/unet-config.ts";
import { type Shape, sizeOf, type Tensor, tensor } from "../../functions/tensor/tensor.ts";
import { write } from "../../functions/tensor/write-safetensors.ts";
import { stableDiffusion15 } from "./stable-diffusion-1-5.ts";

type Shapes = Map<string, Shape>;

/** A diffusers folder of the SD 1.5 architecture with random f32 weights (4.3 GB), made once: the same bytes on every
 * machine. Every weight that the models ask for is in it, and no other. */
export function randomCheckpoint(folder: string): string {
  const complete = join(folder, "model_index.json");
  if (existsSync(complete)) return folder;
  for (const [name, config] of Object.entries(stableDiffusion15)) {
    mkdirSync(join(folder, name), { recursive: true });
    const file = name === "scheduler" ? "scheduler_config.json" : "config.json";
    writeFileSync(join(folder, name, file), JSON.stringify(config, null, 2));
  }
  writeTokenizer(join(folder, "tokenizer"));
  writeWeights(join(folder, "unet", "diffusion_pytorch_model.safetensors"), unetShapes());
  writeWeights(join(folder, "text_encoder", "model.safetensors"), textShapes());
  writeWeights(join(folder, "vae", "diffusion_pytorch_model.safetensors"), autoencoderShapes());
  writeFileSync(complete, JSON.stringify({ _class_name: "StableDiffusionPipeline" }));
  return folder;
}

/** A component that has every weight it is asked for, and remembers it. */
function asked<Config>(name: string, config: Config): [Component<Config>, Shapes] {
  const shapes: Shapes = new Map();
  const nowhere = { file: "", offset: 0, length: 0, storage: "F32" } as const;
  const component: Component<Config> = {
    name,
    config,
    files: [],
    has: () => true,
    weight: (parameter, shape) => {
      shapes.set(parameter, shape);
      return weight(`${name}/${parameter}`, shape, nowhere);
    },
    rows: () => {
      throw new Error("a component without files has no rows");
    },
  };
  return [component, shapes];
}

function unetShapes(): Shapes {
  const config = { num_attention_heads: null, transformer_layers_per_block: 1, ...stableDiffusion15.unet };
  const [component, shapes] = asked("unet", config as unknown as UnetConfig);
  unet(component, {
    latents: input("latents", [1, config.in_channels, 8, 8]),
    timeFeatures: input("timeFeatures", [1, config.block_out_channels[0]]),
    context: input("context", [1, 77, config.cross_attention_dim]),
  });
  return shapes;
}

function textShapes(): Shapes {
  const config = stableDiffusion15.text_encoder;
  const [component, shapes] = asked("text_encoder", config as ClipTextConfig);
  clipText(component, input("embeddings", [1, config.max_position_embeddings, config.hidden_size]));
  return shapes.set(tokenEmbedding, [config.vocab_size, config.hidden_size]);
}

function autoencoderShapes(): Shapes {
  const defaults = { use_quant_conv: true, use_post_quant_conv: true, mid_block_add_attention: true };
  const config = { ...defaults, ...stableDiffusion15.vae };
  const [component, shapes] = asked("vae", config as unknown as AutoencoderConfig);
  encoder(component, input("pixels", [1, 3, 64, 64]));
  decoder(component, input("latents", [1, config.latent_channels, 8, 8]));
  return shapes;
}

function writeWeights(path: string, shapes: Shapes): void {
  const tensors = Object.fromEntries(
    Array.from(shapes, ([name, shape]) => [name, { shape, make: () => randomWeight(name, shape) }]),
  );
  write(path, tensors, { format: "pt" });
}

/** Uniform values of a size that keeps activations near 1 from layer to layer: variance 1/fan-in for matrices and
 * kernels, small for embeddings, shifts and biases, around 1 for the scales of norms. */
function randomWeight(name: string, shape: Shape): Tensor {
  const fanIn = name.endsWith("_embedding.weight") ? 2500 : sizeOf(shape.slice(1));
  const spread = shape.length > 1 ? Math.sqrt(3 / fanIn) : 0.1;
  const centre = shape.length === 1 && /norm[^.]*\.weight$/.test(name) ? 1 : 0;
  const seed = [...name].reduce((sum, letter) => mix(sum + letter.charCodeAt(0)), 0);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = centre + spread * ((mix(i ^ seed) >>> 0) / 2 ** 31 - 1);
  return tensor(data, shape);
}

/** MurmurHash3's 32-bit finaliser: a counter becomes noise. Much faster than the product's own generator, which a
 * billion weights need, and good enough for weights that mean nothing. */
function mix(counter: number): number {
  let x = Math.imul(counter ^ (counter >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** A byte tokenizer without merges: random weights know no words. */
function writeTokenizer(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`)];
  const { bos_token_id, eos_token_id } = stableDiffusion15.text_encoder;
  const vocabulary = {
    ...Object.fromEntries(tokens.map((token, id) => [token, id])),
    "<|startoftext|>": bos_token_id,
    "<|endoftext|>": eos_token_id,
  };
  writeFileSync(join(folder, "vocab.json"), JSON.stringify(vocabulary));
  writeFileSync(join(folder, "merges.txt"), "#version: 0.2\n");
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ model_max_length: 77 }));
}

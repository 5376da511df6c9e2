import { UserError } from "../../shared/error.ts";
import { input } from "../graph/value.ts";
import { decoder, downscaleOf, encoder } from "./autoencoder.ts";
import { clipText, tokenEmbedding } from "./clip-text.ts";
import type { Parts } from "./open-model.ts";
import { unet } from "./unet.ts";

/** Builds every graph of a checkpoint once, without loading anything: a missing or misshapen weight, or a config that
 * describes no network, is found when the folder is opened. @throws UserError bad_config naming file and key */
export function assertFit(parts: Parts, folder: string): void {
  const { text, unet: network, autoencoder } = parts;
  const { in_channels: channels, out_channels, sample_size: side, cross_attention_dim: width } = network.config;
  const expectEqual = (a: number, b: number, what: string): void => {
    if (a !== b) throw new UserError("bad_config", `${folder} mixes checkpoints: ${what} (${a} and ${b}).`);
  };
  expectEqual(text.config.hidden_size, width, "text_encoder hidden_size and unet cross_attention_dim differ");
  expectEqual(autoencoder.config.latent_channels, channels, "vae latent_channels and unet in_channels differ");
  expectEqual(channels, out_channels, "unet in_channels and out_channels differ");

  const tokens = text.config.max_position_embeddings;
  const latents = [1, channels, side, side];
  const pixels = [1, 3, side * downscaleOf(autoencoder.config), side * downscaleOf(autoencoder.config)];
  builds(folder, text.name, () => {
    text.weight(tokenEmbedding, [text.config.vocab_size, width]);
    clipText(text, input("embeddings", [1, tokens, width]));
  });
  builds(folder, network.name, () =>
    unet(network, {
      latents: input("latents", latents),
      timeFeatures: input("timeFeatures", [1, network.config.block_out_channels[0] as number]),
      context: input("context", [1, tokens, width]),
    }),
  );
  builds(folder, autoencoder.name, () => {
    encoder(autoencoder, input("pixels", pixels));
    decoder(autoencoder, input("latents", latents));
  });
}

/** Shape rules speak of ops and nodes; here their complaint gets the name of the file that caused it. */
function builds(folder: string, part: string, build: () => unknown): void {
  try {
    build();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError("bad_config", `${folder}/${part}/config.json describes no network that works: ${reason}`, {
      cause: error,
    });
  }
}

import { asciiFileName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import type { Picture } from "../tensor/pixels.ts";
import { encode } from "../tensor/write-safetensors.ts";
import { encodeCard } from "./card.ts";
import { type Concept, metadataKey, publicMeta } from "./concept-file.ts";
import { modelspec } from "./modelspec.ts";
import { writeTorchFile } from "./write-torch-file.ts";

export interface ExportedFile {
  /** ASCII; other tools take it without its ending as the trigger word. */
  readonly fileName: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** `safetensors` (key emb_params) loads in AUTOMATIC1111, ComfyUI, InvokeAI, kohya and, with `token=`, diffusers; `diffusers`
 * is its learned_embeds.safetensors (key <name>); `a1111` a .pt; `card` a picture that carries its concept. */
export const exportFormats = ["safetensors", "diffusers", "a1111", "card"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** The concept as a file for other tools: rows, trigger word, author and licence, but no ids of people or servers.
 * `picture` is what a card shows. @throws UserError bad_request for a card without a picture, or with one that is too low */
export async function exportConcept(concept: Concept, format: ExportFormat, picture?: Picture): Promise<ExportedFile> {
  const { meta, rows } = concept;
  const trigger = asciiFileName(meta.name);
  const passport = { [metadataKey]: JSON.stringify(publicMeta(meta)), ...modelspec(meta) };
  const safetensors = "application/octet-stream";
  switch (format) {
    case "safetensors":
      return {
        fileName: `${trigger}.safetensors`,
        mediaType: safetensors,
        bytes: encode({ emb_params: rows }, passport),
      };
    case "diffusers": {
      const bytes = encode({ [`<${meta.name}>`]: rows }, { format: "pt", ...passport });
      return { fileName: "learned_embeds.safetensors", mediaType: safetensors, bytes };
    }
    case "a1111": {
      const dict = new Map<string, Parameters<typeof writeTorchFile>[0]>([
        ["string_to_token", new Map([["*", 265]])],
        ["string_to_param", new Map([["*", rows]])],
        ["name", meta.name],
        ["step", meta.steps],
        ["sd_checkpoint", meta.baseModel.hash],
        ["sd_checkpoint_name", meta.baseModel.id],
      ]);
      return { fileName: `${trigger}.pt`, mediaType: "application/octet-stream", bytes: writeTorchFile(dict) };
    }
    case "card": {
      if (picture === undefined) {
        throw new UserError(
          "bad_request",
          `A card shows the picture of its word, and <${meta.name}> has none${meta.origin ? ", because it was imported" : ""}. Export it in the format safetensors.`,
        );
      }
      return { fileName: `${trigger}.png`, mediaType: "image/png", bytes: await encodeCard(concept, picture) };
    }
  }
}

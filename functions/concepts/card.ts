import { UserError } from "../../shared/error.ts";
import { encodePng } from "../tensor/encode-picture.ts";
import { type Picture, readPicture } from "../tensor/pixels.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { findInPixels, hideInPixels } from "./card-pixels.ts";
import { type Concept, metadataKey, publicMeta } from "./concept-file.ts";
import { readPngTexts } from "./png-texts.ts";

/** AUTOMATIC1111's key for base64 JSON with the same dict that its .pt files hold. */
export const cardKey = "sd-ti-embedding";

/** JSON of the largest concept: 20 characters a number and some more. */
const maxTextBytes = 24 * 1024 * 1024;

/** Pixels. The lower a picture, the wider the stripes beside it. */
const leastHeight = 64;

/** What a card says: the dict of AUTOMATIC1111's files, and our passport where there is one. */
export interface Card {
  readonly dict: unknown;
  readonly passport?: string;
}

/** A concept card: a PNG that shows `picture` and carries the concept, as a text chunk and, for places that strip those,
 * in the pixels of two stripes at its sides. @throws UserError bad_request for a picture of less than 64 pixels in height */
export async function encodeCard({ meta, rows }: Concept, picture: Picture): Promise<Uint8Array> {
  if (picture.height < leastHeight) {
    throw new UserError(
      "bad_request",
      `A card's picture is at least ${leastHeight} pixels high; that of <${meta.name}> is ${picture.height} high. Export it in the format safetensors.`,
    );
  }
  const text = JSON.stringify({
    string_to_token: { "*": 265 },
    string_to_param: { "*": { TORCHTENSOR: nested(rows) } },
    name: meta.name,
    step: meta.steps,
    sd_checkpoint: meta.baseModel.hash,
    sd_checkpoint_name: meta.baseModel.id,
  });
  const texts = {
    [cardKey]: Buffer.from(text).toString("base64"),
    [metadataKey]: JSON.stringify(publicMeta(meta)),
  };
  return encodePng(hideInPixels(picture, text, shadesOf(rows)), { text: texts });
}

/** The card in a PNG: its text chunk, else its pixels. @throws UserError bad_concept | bad_image */
export async function readCard(bytes: Uint8Array, label: string): Promise<Card> {
  const texts = readPngTexts(bytes, maxTextBytes);
  const chunk = texts.get(cardKey);
  const passport = texts.get(metadataKey);
  const text =
    chunk === undefined
      ? findInPixels(await readPicture(bytes), maxTextBytes)
      : Buffer.from(chunk, "base64").toString("utf8");
  if (text === undefined) {
    throw new UserError(
      "bad_concept",
      `${label} is a plain picture: no concept is hidden in it. Send the card as a file, unchanged.`,
    );
  }
  try {
    return { dict: JSON.parse(text), ...(passport === undefined ? {} : { passport }) };
  } catch {
    throw new UserError("bad_concept", `${label} is damaged: what its card says is not JSON.`);
  }
}

function nested({ shape, data }: Tensor): readonly (readonly number[])[] {
  const [rows = 0, width = 0] = shape;
  return Array.from({ length: rows }, (_, row) => Array.from(data.subarray(row * width, (row + 1) * width)));
}

/** The first row's sizes, 0–255. */
function shadesOf({ shape, data }: Tensor): Uint8Array {
  const row = data.subarray(0, Math.min(shape[1] ?? 1, 1024));
  const most = row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) || 1;
  return Uint8Array.from(row, (x) => (Math.abs(x) / most) * 255);
}

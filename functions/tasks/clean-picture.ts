import { limits } from "../../shared/limits.ts";
import { readPicture, toSharp } from "../tensor/pixels.ts";

/** A picture as it is stored: pixels alone, without position, camera, comments or any other metadata. */
export interface CleanPicture {
  /** PNG, 8-bit sRGB without alpha, at most `limits.maxStoredEdgePixels` on the longer edge. */
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Decodes an upload and writes its pixels anew; the uploaded bytes themselves are never stored.
 * @throws UserError bad_image, too_large */
export async function cleanPicture(upload: Uint8Array): Promise<CleanPicture> {
  const edge = limits.maxStoredEdgePixels;
  const picture = await readPicture(upload, { width: edge, height: edge, fit: "inside" });
  const bytes = await toSharp(picture).png().toBuffer();
  return { bytes: new Uint8Array(bytes), width: picture.width, height: picture.height };
}

import { limits } from "../../shared/limits.ts";
import { type Picture, readPicture, toSharp, uprightSize } from "../tensor/pixels.ts";

/** A picture as it is stored: pixels alone, without position, camera, comments or any other metadata. */
export interface CleanPicture {
  /** PNG, 8-bit sRGB without alpha, at most `limits.maxStoredEdgePixels` on the longer edge. */
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** What people see of the upload, in whose pixels they click. */
  readonly uploaded: Pick<Picture, "width" | "height">;
}

/** Decodes an upload and writes its pixels anew; the uploaded bytes themselves are never stored.
 * @throws UserError bad_image, too_large */
export async function cleanPicture(upload: Uint8Array): Promise<CleanPicture> {
  const edge = limits.maxStoredEdgePixels;
  const picture = await readPicture(upload, { width: edge, height: edge, fit: "inside" });
  const bytes = await toSharp(picture).png().toBuffer();
  const { width, height } = picture;
  return { bytes: new Uint8Array(bytes), width, height, uploaded: await uprightSize(upload) };
}

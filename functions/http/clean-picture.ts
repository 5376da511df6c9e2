import sharp, { type Sharp } from "sharp";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";

/** A picture as it is stored: pixels alone, without position, camera, comments or any other metadata. */
export interface CleanPicture {
  /** PNG, 8-bit sRGB without alpha. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Formats that Discord takes and a browser shows; everything else sharp could open (SVG, PDF) stays closed. */
const formats: ReadonlySet<string> = new Set(["jpeg", "png", "webp", "gif", "heif"]);

/** Decodes an upload and writes its pixels anew: upright, on white where transparent, first frame only, at most
 * `limits.maxStoredEdgePixels` on the longer edge. The uploaded bytes themselves are never stored.
 * @throws UserError bad_image, too_large */
export async function cleanPicture(upload: Uint8Array): Promise<CleanPicture> {
  if (upload.byteLength === 0) throw new UserError("bad_image", "Expected a picture, got nothing. Attach one file.");
  const source = sharp(upload, { limitInputPixels: limits.maxPixels, failOn: "error", sequentialRead: true });
  await checkHeader(source);
  try {
    const { data, info } = await source
      .autoOrient()
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .resize({
        width: limits.maxStoredEdgePixels,
        height: limits.maxStoredEdgePixels,
        fit: "inside",
        withoutEnlargement: true,
      })
      .png({ compressionLevel: 6 })
      .toBuffer({ resolveWithObject: true });
    return { bytes: new Uint8Array(data), width: info.width, height: info.height };
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** Looks at format and size before any pixel is decoded, so a bomb costs nothing. */
async function checkHeader(source: Sharp): Promise<void> {
  const header = await source.metadata().catch((cause: unknown) => {
    throw /pixel limit/.test(String(cause)) ? tooManyPixels() : unreadable(cause);
  });
  if (!formats.has(header.format)) {
    throw new UserError("bad_image", `Expected a JPEG, PNG, WebP, GIF or AVIF picture, got ${header.format}.`);
  }
  if (header.width * header.height > limits.maxPixels) throw tooManyPixels();
}

function tooManyPixels(): UserError {
  return new UserError(
    "too_large",
    `Expected at most ${limits.maxPixels / 1e6} million pixels, the picture has more. Send a smaller version.`,
  );
}

function unreadable(cause: unknown): UserError {
  return new UserError(
    "bad_image",
    "Expected a JPEG, PNG, WebP, GIF or AVIF picture, but the file is damaged or is something else. " +
      "Open it, save it again and send that.",
    { cause },
  );
}

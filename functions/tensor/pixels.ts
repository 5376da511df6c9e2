import { readFile, stat } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { isPictureFormat, pictureFormats, sniffFormat } from "./picture-format.ts";
import { sizeOf, type Tensor, tensor } from "./tensor.ts";

/** Pixels in sRGB, three bytes each, row by row from the top left. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Pixels left and top inclusive; never empty. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface ReadOptions {
  /** Size in pixels; without both the picture keeps its own. */
  readonly width?: number;
  readonly height?: number;
  /** `fill` squashes, `inside` keeps the shape and never enlarges, `cover` cuts the longer side. Default `fill`. */
  readonly fit?: "fill" | "inside" | "cover";
  /** Resampling kernel; `cubic` is Catmull–Rom, widened when shrinking, as Pillow's BICUBIC. Default `cubic`. */
  readonly kernel?: "cubic" | "lanczos3" | "nearest";
  readonly maxBytes?: number;
  readonly maxPixels?: number;
}

/** A decoder that takes longer has been given something made to stall it. */
const decodeTimeoutSeconds = 30;

/** Opens a JPEG, PNG, WebP, GIF or AVIF as plain sRGB: turned as its EXIF orientation says, colour profile and CMYK
 * converted, 16 bits cut to 8, alpha laid on white, the first frame of an animation. Size in bytes and pixels is
 * checked before anything is decoded. A file's format is told by its bytes alone.
 * @throws UserError bad_image, too_large, not_found */
export async function readPicture(source: Uint8Array | string, options: ReadOptions = {}): Promise<Picture> {
  const { maxBytes = limits.maxUploadBytes, maxPixels = limits.maxPixels } = options;
  const bytes = typeof source === "string" ? await readBytes(source, maxBytes) : source;
  if (bytes.length > maxBytes) throw tooManyBytes(bytes.length, maxBytes);
  const format = sniffFormat(bytes);
  if (!isPictureFormat(format)) {
    throw new UserError("bad_image", `Expected a picture (${pictureFormats.join(", ")}), got ${format}.`);
  }
  const broken = (cause: unknown) =>
    new UserError("bad_image", `This ${format} of ${bytes.length} bytes is damaged or cut short; save it anew.`, {
      cause,
    });
  const { width, height } = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((cause) => {
      throw broken(cause);
    });
  if (width * height > maxPixels) {
    const claim = `The picture claims ${width} × ${height} pixels; at most ${maxPixels} are decoded. Scale it down.`;
    throw new UserError("too_large", claim);
  }
  const decoder = sharp(bytes, { limitInputPixels: maxPixels, failOn: "error", autoOrient: true, pages: 1 });
  const { data, info } = await resize(decoder.flatten({ background: "white" }), options)
    .toColourspace("srgb")
    .removeAlpha()
    .raw({ depth: "uchar" })
    .timeout({ seconds: decodeTimeoutSeconds })
    .toBuffer({ resolveWithObject: true })
    .catch((cause) => {
      throw broken(cause);
    });
  if (info.channels !== 3) throw new Error(`readPicture: ${format} decoded to ${info.channels} channels`);
  return { width: info.width, height: info.height, data: asBytes(data) };
}

/** Width and height in pixels of a picture that `readPicture` reads, turned as its EXIF orientation says. */
export async function uprightSize(bytes: Uint8Array): Promise<Pick<Picture, "width" | "height">> {
  const { width, height } = (await sharp(bytes, { limitInputPixels: false }).metadata()).autoOrient;
  return { width, height };
}

/** The picture at another size; see `ReadOptions` for fit and kernel. */
export async function resizePicture(
  picture: Picture,
  options: Pick<ReadOptions, "width" | "height" | "fit" | "kernel">,
): Promise<Picture> {
  const { data, info } = await resize(toSharp(picture), options).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: asBytes(data) };
}

/** The part of a picture in a box that lies inside it. */
export function cropPicture(picture: Picture, { left, top, width, height }: Box): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 3;
    data.set(picture.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}

function resize(pipeline: Sharp, { width, height, fit = "fill", kernel = "cubic" }: ReadOptions): Sharp {
  if (width === undefined && height === undefined) return pipeline;
  return pipeline.resize({
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    fit,
    kernel,
    withoutEnlargement: fit === "inside",
    // The decoder's own shrinking is fast and coarse; the kernel is what was asked for.
    fastShrinkOnLoad: false,
  });
}

async function readBytes(path: string, maxBytes: number): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UserError("not_found", `There is no file ${path}.`);
  if (!found.isFile()) throw new UserError("bad_image", `Expected a picture, ${path} is not a regular file.`);
  if (found.size > maxBytes) throw tooManyBytes(found.size, maxBytes);
  return await readFile(path);
}

const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

const tooManyBytes = (got: number, max: number) =>
  new UserError(
    "too_large",
    `The picture has ${megabytes(got)} MB; at most ${megabytes(max)} MB are read. Save it smaller.`,
  );

export const toSharp = ({ width, height, data }: Picture): Sharp =>
  sharp(data, { raw: { width, height, channels: 3 } });

const asBytes = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** Pictures of one size → f32 [B, 3, H, W] in [−1, 1]. */
export function toTensor(pictures: Picture | readonly Picture[]): Tensor {
  const batch = "data" in pictures ? [pictures] : pictures;
  const { width = 0, height = 0 } = batch[0] ?? {};
  const plane = width * height;
  const data = new Float32Array(batch.length * 3 * plane);
  batch.forEach((picture, b) => {
    if (picture.width !== width || picture.height !== height) {
      throw new Error(`toTensor: ${picture.width}×${picture.height} beside ${width}×${height}`);
    }
    for (let channel = 0; channel < 3; channel++) {
      const start = (b * 3 + channel) * plane;
      for (let i = 0; i < plane; i++) data[start + i] = (picture.data[i * 3 + channel] ?? 0) / 127.5 - 1;
    }
  });
  return tensor(data, [batch.length, 3, height, width]);
}

/** f32 [B, 3, H, W], −1 black to 1 white, clamped and rounded → pictures.
 * @throws UserError engine_failed when a value is not a number: nothing could be shown but black. */
export function fromTensor({ shape, data }: Tensor): Picture[] {
  const [batch = 0, channels, height = 0, width = 0] = shape;
  if (shape.length !== 4 || channels !== 3) throw new Error(`fromTensor: expected [B, 3, H, W], got [${shape}]`);
  if (data.some(Number.isNaN)) {
    throw new UserError(
      "engine_failed",
      "The model produced values that are not numbers; try another seed or lower guidance.",
    );
  }
  const plane = width * height;
  return Array.from({ length: batch }, (_, b) => {
    // Clamped arrays round to nearest, ties to even, as numpy does.
    const pixels = new Uint8ClampedArray(plane * 3);
    for (let channel = 0; channel < 3; channel++) {
      const start = (b * 3 + channel) * plane;
      for (let i = 0; i < plane; i++) pixels[i * 3 + channel] = ((data[start + i] ?? 0) + 1) * 127.5;
    }
    return { width, height, data: new Uint8Array(pixels.buffer, 0, sizeOf([plane, 3])) };
  });
}

/** The picture flipped left to right. */
export function mirror({ width, height, data }: Picture): Picture {
  const flipped = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      flipped.set(data.subarray(from, from + 3), (y * width + width - 1 - x) * 3);
    }
  }
  return { width, height, data: flipped };
}

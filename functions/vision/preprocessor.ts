import { readFileSync } from "node:fs";
import { z } from "zod";
import { UserError } from "../../shared/error.ts";
import { type Picture, resizePicture } from "../tensor/pixels.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

const three = z.tuple([z.number(), z.number(), z.number()]);

/** transformers' preprocessor_config.json, as far as it changes pixels. */
const PreprocessorConfig = z.looseObject({
  size: z.union([
    z.object({ height: z.int().positive(), width: z.int().positive() }),
    z.object({ longest_edge: z.int().positive() }),
    z.int().positive(),
  ]),
  pad_size: z.object({ height: z.int().positive(), width: z.int().positive() }).optional(),
  image_mean: three.default([0.5, 0.5, 0.5]),
  image_std: three.default([0.5, 0.5, 0.5]),
});
export type PreprocessorConfig = z.infer<typeof PreprocessorConfig>;

/** A picture as a network wants it, and where its pixels went. */
export interface Preprocessed {
  /** f32 [1, 3, H, W], normalised. */
  readonly pixels: Tensor;
  /** Size of the picture inside the H×W input, at its top left; the rest is padding. */
  readonly width: number;
  readonly height: number;
}

/** @throws UserError bad_config */
export function readPreprocessor(path: string): (picture: Picture) => Promise<Preprocessed> {
  const parsed = PreprocessorConfig.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!parsed.success) {
    throw new UserError(
      "bad_config",
      `${path}: ${parsed.error.issues[0]?.path.join(".")}: ${parsed.error.issues[0]?.message}`,
    );
  }
  return (picture) => preprocess(picture, parsed.data);
}

async function preprocess(picture: Picture, config: PreprocessorConfig): Promise<Preprocessed> {
  const { inside, canvas } = sizes(picture, config);
  const resized = await resizePicture(picture, { ...inside, fit: "fill" });
  const data = new Float32Array(3 * canvas.width * canvas.height);
  for (let channel = 0; channel < 3; channel++) {
    const [mean, deviation] = [config.image_mean[channel] as number, config.image_std[channel] as number];
    for (let y = 0; y < inside.height; y++) {
      for (let x = 0; x < inside.width; x++) {
        const value = (resized.data[(y * inside.width + x) * 3 + channel] as number) / 255;
        data[(channel * canvas.height + y) * canvas.width + x] = (value - mean) / deviation;
      }
    }
  }
  return { pixels: tensor(data, [1, 3, canvas.height, canvas.width]), ...inside };
}

function sizes({ width, height }: Picture, { size, pad_size }: PreprocessorConfig) {
  if (typeof size === "number") return { inside: { width: size, height: size }, canvas: { width: size, height: size } };
  if ("height" in size) return { inside: size, canvas: size };
  const shrink = size.longest_edge / Math.max(width, height);
  const inside = { width: Math.max(1, Math.round(width * shrink)), height: Math.max(1, Math.round(height * shrink)) };
  return { inside, canvas: pad_size ?? { width: size.longest_edge, height: size.longest_edge } };
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MaskLevel } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import type { Engine } from "../onnx/engine.ts";
import { loadOnce } from "../onnx/load-once.ts";
import { type Mask, maskFrom } from "../tensor/mask.ts";
import { type Picture, resizePicture } from "../tensor/pixels.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import { type Affine, type GuidedFilterOptions, guidedFilter } from "./guided-filter.ts";
import { type Preprocessed, readPreprocessor } from "./preprocessor.ts";
import type { Segment, Segmenter } from "./vision.ts";

/** Order of a Segment Anything decoder's three masks (Kirillov et al. 2023, sec. 3). */
const levels: readonly MaskLevel[] = ["part", "object", "group"];

/** A Segment Anything model in its two-part ONNX export (SlimSAM and kin): `vision_encoder.onnx` and
 * `prompt_encoder_mask_decoder.onnx` beside preprocessor_config.json. With `outline`, objects and groups are drawn to the outlines of
 * the picture; the model must answer with a mask of its input's size then. */
export function openLocalSegmenter(folder: string, engine: Engine, outline?: GuidedFilterOptions): Segmenter {
  const preprocess = readPreprocessor(join(folder, "preprocessor_config.json"));
  const model = (name: string) => loadOnce(engine, name, () => ({ bytes: readFileSync(join(folder, name)) }));
  const [encoder, decoder] = [model("vision_encoder.onnx"), model("prompt_encoder_mask_decoder.onnx")];
  return {
    encode: async (picture) => {
      const input = await preprocess(picture);
      const embedded = await encoder.run({ pixel_values: input.pixels });
      const plain = enlargePlain(picture, input);
      const along = outline ? await enlargeAlong(picture, input, outline) : plain;
      // A part ends inside its object, where outlines of the picture need not be its own.
      const enlarge = (level: MaskLevel) => (level === "part" ? plain : along);
      return async (click) => {
        const point = [click.x * (input.width - 1), click.y * (input.height - 1)];
        const outputs = await decoder.run({
          input_points: tensor(Float32Array.from(point), [1, 1, 1, 2]),
          input_labels: { dtype: "i64", shape: [1, 1, 1], data: BigInt64Array.of(1n) },
          ...embedded,
        });
        return segmentsOf(outputs["pred_masks"] as Tensor, outputs["iou_scores"] as Tensor, enlarge);
      };
    },
  };
}

/** Logits of a grid that spans the padded network input → the mask at every pixel of the picture. */
type Enlarge = (logits: Float32Array, width: number, height: number) => Mask;

function segmentsOf(logits: Tensor, scores: Tensor, enlarge: (level: MaskLevel) => Enlarge): readonly Segment[] {
  const [height, width] = logits.shape.slice(-2) as [number, number];
  return levels.flatMap((level, i) => {
    const mask = enlarge(level)(logits.data.subarray(i * width * height, (i + 1) * width * height), width, height);
    const score = Math.min(1, Math.max(0, scores.data[i] as number));
    return mask.data.includes(1) ? [{ level, mask, score }] : [];
  });
}

/** Bilinear logits at every pixel, cut at 0. */
const enlargePlain =
  (picture: Picture, input: Preprocessed): Enlarge =>
  (logits, width, height) => {
    const values = new Float32Array(picture.width * picture.height);
    eachRow([logits], width, height, picture, input, ([row], y) => values.set(row as Float64Array, y * picture.width));
    return maskFrom(values, picture.width, picture.height, 0);
  };

/** The chances that are nearest to the network's around each cell of all that follow from a pixel's colour, cut at a half. */
async function enlargeAlong(picture: Picture, input: Preprocessed, outline: GuidedFilterOptions): Promise<Enlarge> {
  const small = await resizePicture(picture, { width: input.width, height: input.height, fit: "fill" });
  const nearest = guidedFilter(
    Float64Array.from(small.data, (v) => v / 255),
    small.width,
    small.height,
    outline,
  );
  return (logits, width, height) => {
    if (width !== small.width || height !== small.height) {
      throw new UserError(
        "bad_config",
        `segmenter/config.json: outline needs masks of the input's size, ${small.width} × ${small.height}, not ${width} × ${height}; remove it`,
      );
    }
    const chances = Float64Array.from(logits, (v) => 1 / (1 + Math.exp(-Math.min(4, Math.max(-4, v)))) - 0.5);
    const values = new Float32Array(picture.width * picture.height);
    eachRow(nearest(chances), width, height, picture, input, (rows, y) => {
      const [red, green, blue, added] = rows as unknown as Affine;
      for (let x = 0; x < picture.width; x++) {
        const i = y * picture.width + x;
        const colour = (c: number): number => (picture.data[i * 3 + c] as number) / 255;
        values[i] =
          (red[x] as number) * colour(0) +
          (green[x] as number) * colour(1) +
          (blue[x] as number) * colour(2) +
          (added[x] as number);
      }
    });
    return maskFrom(values, picture.width, picture.height, 0);
  };
}

/** Planes of `width` × `height` cells, bilinear at every pixel of the picture, one row of pixels at a time. */
function eachRow(
  planes: readonly ArrayLike<number>[],
  width: number,
  height: number,
  picture: Picture,
  input: Preprocessed,
  take: (rows: readonly Float64Array[], y: number) => void,
): void {
  const [, , inputHeight, inputWidth] = input.pixels.shape as [number, number, number, number];
  const columns = axis(picture.width, input.width, inputWidth, width);
  const between = new Float64Array(width);
  const rows = planes.map(() => new Float64Array(picture.width));
  for (const [y, { low, high, share }] of axis(picture.height, input.height, inputHeight, height).entries()) {
    for (const [n, plane] of planes.entries()) {
      const cell = (r: number, c: number): number => plane[r * width + c] as number;
      for (let c = 0; c < width; c++) between[c] = cell(low, c) * (1 - share) + cell(high, c) * share;
      for (const [x, at] of columns.entries()) {
        const [left, right] = [between[at.low] as number, between[at.high] as number];
        (rows[n] as Float64Array)[x] = left * (1 - at.share) + right * at.share;
      }
    }
    take(rows, y);
  }
}

/** For each of `count` pixels: the two neighbouring cells and the share of the second. */
function axis(count: number, inside: number, padded: number, cells: number) {
  return Array.from({ length: count }, (_, i) => {
    const position = Math.min(cells - 1, Math.max(0, ((((i + 0.5) / count) * inside) / padded) * cells - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(cells - 1, low + 1), share: position - low };
  });
}

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
      return async (click, wanted = levels) => {
        const point = [click.x * (input.width - 1), click.y * (input.height - 1)];
        const outputs = await decoder.run({
          input_points: tensor(Float32Array.from(point), [1, 1, 1, 2]),
          input_labels: { dtype: "i64", shape: [1, 1, 1], data: BigInt64Array.of(1n) },
          ...embedded,
        });
        return segmentsOf(outputs["pred_masks"] as Tensor, outputs["iou_scores"] as Tensor, { enlarge, wanted });
      };
    },
  };
}

/** Logits of a grid that spans the padded network input → the mask at every pixel of the picture. */
type Enlarge = (logits: Float32Array, width: number, height: number) => Mask;

function segmentsOf(
  logits: Tensor,
  scores: Tensor,
  { enlarge, wanted }: { readonly enlarge: (level: MaskLevel) => Enlarge; readonly wanted: readonly MaskLevel[] },
): readonly Segment[] {
  const [height, width] = logits.shape.slice(-2) as [number, number];
  return levels.flatMap((level, i) => {
    if (!wanted.includes(level)) return [];
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
        values[i] =
          (red[x] as number) * ((picture.data[i * 3] as number) / 255) +
          (green[x] as number) * ((picture.data[i * 3 + 1] as number) / 255) +
          (blue[x] as number) * ((picture.data[i * 3 + 2] as number) / 255) +
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
  const [columns, lines] = [
    axis(picture.width, input.width, inputWidth, width),
    axis(picture.height, input.height, inputHeight, height),
  ];
  const between = new Float64Array(width);
  const rows = planes.map(() => new Float64Array(picture.width));
  for (let y = 0; y < picture.height; y++) {
    const [upper, lower] = [(lines.low[y] as number) * width, (lines.high[y] as number) * width];
    const down = lines.share[y] as number;
    for (const [n, plane] of planes.entries()) {
      for (let c = 0; c < width; c++) {
        between[c] = (plane[upper + c] as number) * (1 - down) + (plane[lower + c] as number) * down;
      }
      const row = rows[n] as Float64Array;
      for (let x = 0; x < row.length; x++) {
        const right = columns.share[x] as number;
        row[x] =
          (between[columns.low[x] as number] as number) * (1 - right) +
          (between[columns.high[x] as number] as number) * right;
      }
    }
    take(rows, y);
  }
}

/** For each of `count` pixels: the two neighbouring cells and the share of the second. */
function axis(count: number, inside: number, padded: number, cells: number) {
  const [low, high, share] = [new Int32Array(count), new Int32Array(count), new Float64Array(count)];
  for (let i = 0; i < count; i++) {
    const position = Math.min(cells - 1, Math.max(0, ((((i + 0.5) / count) * inside) / padded) * cells - 0.5));
    low[i] = Math.floor(position);
    high[i] = Math.min(cells - 1, (low[i] as number) + 1);
    share[i] = position - (low[i] as number);
  }
  return { low, high, share };
}

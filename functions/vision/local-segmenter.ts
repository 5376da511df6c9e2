import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MaskLevel } from "../../shared/draft.ts";
import type { Engine } from "../onnx/engine.ts";
import { loadOnce } from "../onnx/load-once.ts";
import { type Mask, maskFrom } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import { type Preprocessed, readPreprocessor } from "./preprocessor.ts";
import type { Segment, Segmenter } from "./vision.ts";

/** Order of a Segment Anything decoder's three masks (Kirillov et al. 2023, sec. 3). */
const levels: readonly MaskLevel[] = ["part", "object", "group"];

/** A Segment Anything model in its two-part ONNX export (SlimSAM and kin): `vision_encoder.onnx` and
 * `prompt_encoder_mask_decoder.onnx` beside preprocessor_config.json. */
export function openLocalSegmenter(folder: string, engine: Engine): Segmenter {
  const preprocess = readPreprocessor(join(folder, "preprocessor_config.json"));
  const model = (name: string) => loadOnce(engine, name, () => ({ bytes: readFileSync(join(folder, name)) }));
  const [encoder, decoder] = [model("vision_encoder.onnx"), model("prompt_encoder_mask_decoder.onnx")];
  return {
    encode: async (picture) => {
      const input = await preprocess(picture);
      const embedded = await encoder.run({ pixel_values: input.pixels });
      return async (click) => {
        const point = [click.x * (input.width - 1), click.y * (input.height - 1)];
        const outputs = await decoder.run({
          input_points: tensor(Float32Array.from(point), [1, 1, 1, 2]),
          input_labels: { dtype: "i64", shape: [1, 1, 1], data: BigInt64Array.of(1n) },
          ...embedded,
        });
        return segmentsOf(picture, input, outputs["pred_masks"] as Tensor, outputs["iou_scores"] as Tensor);
      };
    },
  };
}

function segmentsOf(picture: Picture, input: Preprocessed, logits: Tensor, scores: Tensor): readonly Segment[] {
  const [height, width] = logits.shape.slice(-2) as [number, number];
  return levels.flatMap((level, i) => {
    const plane = logits.data.subarray(i * width * height, (i + 1) * width * height);
    const mask = enlarge(plane, width, height, input, picture);
    const score = Math.min(1, Math.max(0, scores.data[i] as number));
    return mask.data.includes(1) ? [{ level, mask, score }] : [];
  });
}

/** Bilinear logits at every pixel of the picture, cut at 0. The logits' grid spans the padded network input. */
function enlarge(logits: Float32Array, width: number, height: number, input: Preprocessed, picture: Picture): Mask {
  const [, , inputHeight, inputWidth] = input.pixels.shape as [number, number, number, number];
  const column = axis(picture.width, input.width, inputWidth, width);
  const row = axis(picture.height, input.height, inputHeight, height);
  const values = new Float32Array(picture.width * picture.height);
  for (const [y, { low: top, high: bottom, share: down }] of row.entries()) {
    for (const [x, { low: left, high: right, share: across }] of column.entries()) {
      const at = (r: number, c: number): number => logits[r * width + c] as number;
      const upper = at(top, left) * (1 - across) + at(top, right) * across;
      const lower = at(bottom, left) * (1 - across) + at(bottom, right) * across;
      values[y * picture.width + x] = upper * (1 - down) + lower * down;
    }
  }
  return maskFrom(values, picture.width, picture.height, 0);
}

/** For each of `count` pixels: the two neighbouring cells and the share of the second. */
function axis(count: number, inside: number, padded: number, cells: number) {
  return Array.from({ length: count }, (_, i) => {
    const position = Math.min(cells - 1, Math.max(0, ((((i + 0.5) / count) * inside) / padded) * cells - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(cells - 1, low + 1), share: position - low };
  });
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../onnx/engine.ts";
import { loadOnce } from "../onnx/load-once.ts";
import { type Picture, resizePicture, toTensor } from "../tensor/pixels.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

/** The thing alone on white, and the rows f32 [n, D] that its words begin as → rows of that shape, moved to where the model draws
 * what the thing looks like. Rows beyond those that the network knows of stay. */
export type LookEncoder = (crop: Picture, rows: Tensor) => Promise<Tensor>;

const LookEncoderConfig = z.looseObject({
  image_size: z.int().min(8).max(1024),
  /** Rows that it moves. */
  rows: z.int().min(1).max(64),
});

/** A network trained beside the model it belongs to, whose folder holds config.json and `model.onnx`: pixel_values f32 [1, 3, S, S] in
 * [−1, 1], embeddings [1, R, D] → moved_embeddings. Encoders that guess a concept before it is tuned are Gal et al.'s (2023, E4T). Graphs
 * are run as they are: never open a folder that did not come with this repository.
 * @param filler f32 [1, D], the row that stands where there are fewer than R */
export function openLookEncoder(folder: string, engine: Engine, filler: Tensor): LookEncoder {
  const config = LookEncoderConfig.parse(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
  const { image_size: side, rows: most } = config;
  const model = loadOnce(engine, "look encoder", () => ({ bytes: readFileSync(join(folder, "model.onnx")) }));
  return async (crop, rows) => {
    const width = filler.data.length;
    const begun = new Float32Array(most * width);
    for (let i = 0; i < most; i++) begun.set(filler.data, i * width);
    begun.set(rows.data.subarray(0, begun.length));
    const outputs = await model.run({
      pixel_values: toTensor(await resizePicture(crop, { width: side, height: side, fit: "fill" })),
      embeddings: tensor(begun, [1, most, width]),
    });
    const moved = rows.data.slice();
    moved.set((outputs["moved_embeddings"] as Tensor).data.subarray(0, moved.length));
    return tensor(moved, rows.shape);
  };
}

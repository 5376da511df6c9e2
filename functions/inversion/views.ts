import type { OpenedModel } from "../models/open-model.ts";
import { type Mask, mirrorMask } from "../tensor/mask.ts";
import { mirror, type Picture } from "../tensor/pixels.ts";
import { type Tensor, zeros } from "../tensor/tensor.ts";
import type { LearnOptions } from "./learn-options.ts";
import { type CellWeights, cellWeights, evenWeights } from "./loss-weights.ts";
import { drawLatents, encodePosterior, type Posterior } from "./posterior.ts";

/** A picture of the thing, squashed to the model's side, and where the thing is in it. */
export interface Source {
  readonly picture: Picture;
  /** Of the picture's size; absent: the whole picture counts. */
  readonly mask?: Mask | undefined;
}

/** A picture, or its mirror image, as training draws from it. */
export interface View {
  readonly posterior: Posterior;
  readonly cells: CellWeights;
}

/** Encodes every picture and, where flips are drawn, its mirror image with its mirrored mask: latents themselves must never be
 * flipped. Once per concept; the encoder costs more than a UNet call. */
export async function encodeViews(
  model: OpenedModel,
  sources: readonly Source[],
  options: Pick<LearnOptions, "flip" | "maskFloor" | "background">,
): Promise<readonly View[]> {
  const views: View[] = [];
  for (const source of sources) {
    for (const { picture, mask } of options.flip ? [source, mirrored(source)] : [source]) {
      views.push({ posterior: await encodePosterior(model, picture), cells: cellsOf(model, mask, options) });
    }
  }
  return views;
}

/** The mean latents of a view, clean and scaled, f32 [1, C, h, w]. */
export const meanLatents = (model: OpenedModel, { posterior }: View): Tensor =>
  drawLatents(posterior, zeros(posterior.mean.shape), model.scalingFactor);

function cellsOf(
  { latentShape }: OpenedModel,
  mask: Mask | undefined,
  { maskFloor, background }: Pick<LearnOptions, "maskFloor" | "background">,
): CellWeights {
  if (!mask || (maskFloor === 1 && background === 0)) return evenWeights(latentShape);
  return cellWeights(mask, latentShape, { floor: maskFloor, background });
}

const mirrored = ({ picture, mask }: Source): Source => ({
  picture: mirror(picture),
  mask: mask && mirrorMask(mask),
});

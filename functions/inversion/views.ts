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
  /** What its prompts say after the template; absent: nothing. */
  readonly where?: string;
}

/** A picture, or its mirror image, as training draws from it. */
export interface View {
  readonly posterior: Posterior;
  readonly cells: CellWeights;
  /** See `Source`. */
  readonly where?: string;
}

/** The template with what a view's prompts say after it. */
export const promptOf = (template: string, { where }: Pick<View, "where">): string =>
  where === undefined ? template : `${template} ${where}`;

/** Encodes every picture and, where flips are drawn, its mirror image with its mirrored mask: latents themselves must never be
 * flipped. Once per concept; the encoder costs more than a UNet call. */
export async function encodeViews(
  model: OpenedModel,
  sources: readonly Source[],
  options: Pick<LearnOptions, "flip" | "maskFloor" | "background">,
): Promise<readonly View[]> {
  const views: View[] = [];
  for (const source of sources) {
    for (const { picture, mask, where } of options.flip ? [source, mirrored(source)] : [source]) {
      const posterior = await encodePosterior(model, picture);
      views.push({ posterior, cells: cellsOf(model, mask, options), ...(where !== undefined && { where }) });
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

const mirrored = ({ picture, mask, ...rest }: Source): Source => ({
  ...rest,
  picture: mirror(picture),
  mask: mask && mirrorMask(mask),
});

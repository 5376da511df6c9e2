import { dilateMask, type Mask, maskCoverage } from "../tensor/mask.ts";
import { type Shape, type Tensor, tensor } from "../tensor/tensor.ts";

/** The mask is grown by this share of the picture's side: rims and soft shadows belong to the thing. */
const dilation = 1 / 64;

/** Loss weight per latent cell, [1, 1, h, w], mean 1: 1 where the mask covers the cell, `floor` where it does not
 * (OneTrainer and kohya weight alike). The mask has the side of the training picture. */
export function maskWeights(mask: Mask, [, height, width]: Shape, floor: number): Tensor {
  const grown = dilateMask(mask, mask.width * dilation);
  const coverage = maskCoverage(grown, width as number, height as number);
  const raw = coverage.data.map((share) => floor + (1 - floor) * share);
  const mean = raw.reduce((sum, w) => sum + w, 0) / raw.length;
  return tensor(
    raw.map((w) => w / mean),
    coverage.shape,
  );
}

/** Weight 1 everywhere. */
export const evenWeights = ([, height, width]: Shape): Tensor =>
  tensor(new Float32Array((height as number) * (width as number)).fill(1), [1, 1, height as number, width as number]);

/** Share of cells at (nearly) full weight: floors compare only where it is at most 0.6. */
export function fullWeightShare(weights: Tensor): number {
  const most = Math.max(...weights.data);
  return weights.data.filter((w) => w > 0.99 * most).length / weights.data.length;
}

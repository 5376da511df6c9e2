import { dilateMask, type Mask, maskCoverage } from "../tensor/mask.ts";
import { type Shape, type Tensor, tensor } from "../tensor/tensor.ts";

/** The mask is grown by this share of the picture's side: rims and soft shadows belong to the thing. */
const dilation = 1 / 64;

/** How much each latent cell counts, and for what. */
export interface CellWeights {
  /** f32 [1, 1, h, w], mean 1. */
  readonly weights: Tensor;
  /** Share of a cell's weight that belongs to the background term, f32 [1, 1, h, w] in 0–1; absent without that term. */
  readonly backgroundShare?: Tensor;
}

/** Weights of a masked loss: of a cell that the mask covers to m, `floor` + (1 − `floor`) m for the picture (OneTrainer and kohya
 * weight alike) and `background` · (1 − m) for the background term. The mask has the side of the training picture; one that
 * covers no cell at all weighs nothing, and every cell alike. */
export function cellWeights(
  mask: Mask,
  [, height, width]: Shape,
  { floor, background }: { readonly floor: number; readonly background: number },
): CellWeights {
  const coverage = coverageOf(mask, height as number, width as number);
  const forPicture = coverage.data.map((m) => floor + (1 - floor) * m);
  const raw = coverage.data.map((m, i) => (forPicture[i] as number) + background * (1 - m));
  const mean = raw.reduce((sum, w) => sum + w, 0) / raw.length;
  if (mean === 0) return evenWeights([1, height as number, width as number]);
  const weights = tensor(
    raw.map((w) => w / mean),
    coverage.shape,
  );
  if (background === 0) return { weights };
  const share = raw.map((w, i) => (w === 0 ? 0 : 1 - (forPicture[i] as number) / w));
  return { weights, backgroundShare: tensor(share, coverage.shape) };
}

/** Weight 1 everywhere. */
export const evenWeights = ([, height, width]: Shape): CellWeights => ({
  weights: tensor(new Float32Array((height as number) * (width as number)).fill(1), [
    1,
    1,
    height as number,
    width as number,
  ]),
});

/** Share of cells that the grown mask (nearly) fills: mask floors compare only where it is at most 0.6. */
export function fullWeightShare(mask: Mask, [, height, width]: Shape): number {
  const { data } = coverageOf(mask, height as number, width as number);
  return data.filter((m) => m > 0.99).length / data.length;
}

const coverageOf = (mask: Mask, height: number, width: number): Tensor =>
  maskCoverage(dilateMask(mask, mask.width * dilation), width, height);

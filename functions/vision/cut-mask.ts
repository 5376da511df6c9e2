import type { Point } from "../../shared/draft.ts";
import { boundingBox, dilateMask, type Mask, maskArea, maskFrom, overlap } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import type { Asked, Votes } from "./click-votes.ts";
import { type GrabCut, trimapLabel } from "./grab-cut.ts";
import { onePiece } from "./one-piece.ts";

/** Shares of the votes that make a pixel surely, and probably, the thing. */
const [surely, probably] = [0.85, 0.5];
/** A cut that agrees with the votes less than this went somewhere else; outside these shares of the picture it leaked. */
const leastAgreement = 0.2;
const [leastShare, mostShare] = [0.002, 0.95];

/** What a cut begins from. `votes` or the mask of the click alone, `own`, is surely the thing where it is this far from its
 * outline (pixels, or sizes of its box), probably as far as it reaches beyond it, and its background is looked at this far around its
 * box. Of equal cuts the favoured wins: levels of contrast. */
export interface Seeds {
  readonly from: "votes" | "own";
  readonly core: { readonly pixels: number; readonly sizes: number };
  readonly reach: { readonly pixels: number; readonly sizes: number };
  readonly margin: number;
  readonly favour: number;
}
export const narrow: Seeds = {
  from: "votes",
  core: { pixels: 2, sizes: 0 },
  reach: { pixels: 0, sizes: 0 },
  margin: 0.25,
  favour: 1.5,
};
/** The learned mask, made for drawings, often covers only a part of what a photograph shows. */
export const wide: Seeds = { ...narrow, reach: { pixels: 0, sizes: 0.1 }, margin: 0.5, favour: 0 };
/** Votes hold the groups that things stand in, too, and are wrong where the mask of the click was right, which its score tells. */
export const own: Seeds = {
  from: "own",
  core: { pixels: 0, sizes: 0.06 },
  reach: { pixels: 2, sizes: 0 },
  margin: 0.2,
  favour: -1,
};

/** A classical cut of the small copy. Undefined where there is nothing to begin from, the cut failed, or went somewhere else. */
export async function cutFrom(
  votes: Votes,
  seeds: Seeds,
  grabCut: GrabCut,
  { small, click }: Pick<Asked, "small" | "click">,
): Promise<Mask | undefined> {
  const trimap = trimapOf(votes, small, click, seeds);
  const labels = trimap && (await grabCut(small, trimap));
  if (!labels) return undefined;
  const inside = labels.map((label) => label & 1);
  const mask = onePiece(maskFrom(inside, small.width, small.height), pixelOf(small, click));
  const share = maskArea(mask) / mask.data.length;
  const agreement = overlap(mask, maskFrom(votes.all, small.width, small.height, probably - 1e-6));
  return share > leastShare && share < mostShare && agreement > leastAgreement ? mask : undefined;
}

const pixelOf = ({ width, height }: Picture, { x, y }: Point) => ({ x: x * (width - 1), y: y * (height - 1) });

const inverse = (mask: Mask): Mask => ({ ...mask, data: mask.data.map((isIn) => 1 - isIn) });

/** The core of what is certain and the click are the thing; outside the box, and at the edge of the picture, is background.
 * Undefined where there is nothing to begin from. */
function trimapOf(
  votes: Votes,
  small: Picture,
  click: Point,
  { from, core, reach, margin }: Seeds,
): Uint8Array | undefined {
  const { width, height } = small;
  const [likely, certain] =
    from === "own"
      ? [votes.own?.mask, votes.own?.mask]
      : [probably, surely].map((share) => maskFrom(votes.all, width, height, share - 1e-6));
  const box = likely && boundingBox(likely);
  if (!likely || !certain || !box) return undefined;
  const inPixels = ({ pixels, sizes }: Seeds["core"]): number => pixels + sizes * Math.max(box.width, box.height);
  const thing = dilateMask(likely, inPixels(reach));
  const sure = inverse(dilateMask(inverse(certain), inPixels(core)));
  const [across, down] = [box.width * margin + 4, box.height * margin + 4];
  const at = pixelOf(small, click);
  const isRim = (x: number, y: number): boolean => x < 2 || y < 2 || x >= width - 2 || y >= height - 2;
  const isNear = (x: number, y: number): boolean =>
    x >= box.left - across &&
    x < box.left + box.width + across &&
    y >= box.top - down &&
    y < box.top + box.height + down;
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (sure.data[i] || Math.hypot(x - at.x, y - at.y) < 4) return trimapLabel.thing;
    if (thing.data[i]) return trimapLabel.probablyThing;
    return !isNear(x, y) || isRim(x, y) ? trimapLabel.background : trimapLabel.probablyBackground;
  });
}

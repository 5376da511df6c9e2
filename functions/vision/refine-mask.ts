import type { Point } from "../../shared/draft.ts";
import { boundingBox, dilateMask, type Mask, maskArea, maskFrom, overlap, resizeMask } from "../tensor/mask.ts";
import { type Picture, resizePicture } from "../tensor/pixels.ts";
import { type Asked, type Votes, voteOn } from "./click-votes.ts";
import { type GrabCut, trimapLabel } from "./grab-cut.ts";
import { contrast, separation } from "./mask-merit.ts";
import { onePiece } from "./one-piece.ts";
import type { Refine, Segmenter } from "./vision.ts";

/** Longer edge in pixels of the copy that is cut. */
const edge = 160;
/** The part of a picture around the click that is looked at, this share of both its sides; of equal cuts the favoured wins: levels
 * of contrast. */
interface Look {
  readonly share: number;
  readonly favour: number;
}
const whole: Look = { share: 1, favour: 0 };
const closer: readonly Look[] = [
  { share: 0.85, favour: 3 },
  { share: 0.7, favour: 3 },
];
/** Shares of the votes that make a pixel surely, and probably, the thing. */
const [surely, probably] = [0.85, 0.5];
/** A cut that agrees with the votes less than this went somewhere else; outside these shares of the picture it leaked. */
const leastAgreement = 0.2;
const [leastShare, mostShare] = [0.002, 0.95];

/** What a cut begins from. `votes` or the mask of the click alone, `own`, is surely the thing where it is this far from its
 * outline (pixels, or sizes of its box), probably as far as it reaches beyond it, and its background is looked at this far around its
 * box. Of equal cuts the favoured wins: levels of contrast. */
interface Seeds {
  readonly from: "votes" | "own";
  readonly core: { readonly pixels: number; readonly sizes: number };
  readonly reach: { readonly pixels: number; readonly sizes: number };
  readonly margin: number;
  readonly favour: number;
}
const narrow: Seeds = {
  from: "votes",
  core: { pixels: 2, sizes: 0 },
  reach: { pixels: 0, sizes: 0 },
  margin: 0.25,
  favour: 1.5,
};
/** The learned mask, made for drawings, often covers only a part of what a photograph shows. */
const wide: Seeds = { ...narrow, reach: { pixels: 0, sizes: 0.1 }, margin: 0.5, favour: 0 };
/** Votes hold the groups that things stand in, too, and are wrong where the mask of the click was right, which its score tells. */
const own: Seeds = {
  from: "own",
  core: { pixels: 0, sizes: 0.06 },
  reach: { pixels: 2, sizes: 0 },
  margin: 0.2,
  favour: -1,
};

/** What a cut is worth beside its contrast, in levels of it: its own colours and none of its ground's (per unit of χ² distance), the
 * look of all cuts (agreeing wholly with the others), and a score of 1 of the mask of the click that it began from. */
const [separationWorth, consensusWorth, scoreWorth] = [20, 32, 24];

/** A classical cut where the learned mask is poor: GrabCut, seeded by the learned masks of a handful of clicks. `below` is the
 * segmenter's own score under which its masks are poor; photographs are always cut, in several ways, of which the one that follows
 * outlines and agrees with the others best is taken (chosen on composites of further photographs: model card). */
export const createRefine =
  (segmenter: Segmenter, grabCut: GrabCut, below: number): Refine =>
  async (picture, segment, { click, photograph }) => {
    if (segment.level !== "object" || (segment.score >= below && !photograph)) return segment;
    const small = await resizePicture(picture, { width: edge, height: edge, fit: "inside" });
    const cuts: Cut[] = [];
    for (const { share, favour } of photograph ? [whole, ...closer] : [whole]) {
      const votes = await voteOn(segmenter, { picture, small, click, photograph }, share);
      for (const seeds of photograph ? [narrow, wide, own] : [narrow]) {
        const mask = await cutFrom(votes, seeds, grabCut, { small, click });
        const score = seeds.from === "own" ? (votes.own?.score ?? 0) : 0;
        if (mask) cuts.push({ mask, score, favour: favour + seeds.favour });
      }
    }
    const best = bestOf(cuts, small);
    return best ? { ...segment, mask: resizeMask(best, picture.width, picture.height) } : segment;
  };

interface Cut {
  /** Of the small copy's size. */
  readonly mask: Mask;
  /** The segmenter's of the mask that it began from; 0 where it began from votes. */
  readonly score: number;
  readonly favour: number;
}

/** Undefined where there is nothing to begin from, the cut failed, or went somewhere else. */
async function cutFrom(
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

function bestOf(cuts: readonly Cut[], small: Picture): Mask | undefined {
  const meritOf = ({ mask, score, favour }: Cut): number => {
    const others = cuts.filter((other) => other.mask !== mask);
    const consensus = others.reduce((sum, other) => sum + overlap(other.mask, mask), 0) / Math.max(1, others.length);
    return (
      contrast(small, mask) +
      separationWorth * separation(small, mask) +
      consensusWorth * consensus +
      scoreWorth * score +
      favour
    );
  };
  const [best] = cuts.map((cut) => ({ cut, merit: meritOf(cut) })).sort((a, b) => b.merit - a.merit);
  return best?.cut.mask;
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

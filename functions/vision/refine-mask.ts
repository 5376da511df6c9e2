import type { Point } from "../../shared/draft.ts";
import { boundingBox, dilateMask, type Mask, maskArea, maskFrom, overlap, resizeMask } from "../tensor/mask.ts";
import { type Picture, resizePicture } from "../tensor/pixels.ts";
import { type GrabCut, trimapLabel } from "./grab-cut.ts";
import { onePiece } from "./one-piece.ts";
import type { Refine, Segmenter } from "./vision.ts";

/** Longer edge in pixels of the copy that is cut. */
const edge = 160;
/** Clicks that vote on what the thing is: where the person clicked, and a little beside it (fractions of the picture). */
const nearby = [
  [0, 0],
  [0.03, 0],
  [-0.03, 0],
  [0, 0.03],
  [0, -0.03],
] as const;
/** Shares of the votes that make a pixel surely, and probably, the thing. */
const [surely, probably] = [0.85, 0.5];
/** How far around the thing's box its background is looked at, and how far around its mask it may reach itself, in sizes of
 * the box. Photographs are cut with both: the learned mask, made for drawings, often covers only a part. Of equal cuts the narrow one wins: levels of contrast in its favour. */
const narrow = { margin: 0.25, reach: 0, favour: 1.5 };
const wide = { margin: 0.5, reach: 0.1, favour: 0 };
/** A cut that agrees with the votes less than this went somewhere else; outside these shares of the picture it leaked. */
const leastAgreement = 0.2;
const [leastShare, mostShare] = [0.002, 0.95];

/** A classical cut where the learned mask is poor: GrabCut, seeded by the learned masks of a handful of clicks. `below` is the
 * segmenter's own score under which its masks are poor; photographs are always cut. */
export const createRefine =
  (segmenter: Segmenter, grabCut: GrabCut, below: number): Refine =>
  async (picture, segment, { click, photograph }) => {
    if (segment.level !== "object" || (segment.score >= below && !photograph)) return segment;
    const small = await resizePicture(picture, { width: edge, height: edge, fit: "inside" });
    const votes = await voteOn(segmenter, small, click);
    const likely = maskFrom(votes, small.width, small.height, probably - 1e-6);
    if (maskArea(likely) === 0) return segment;
    const cuts: { readonly mask: Mask; readonly merit: number }[] = [];
    for (const seeds of photograph ? [narrow, wide] : [narrow]) {
      const cut = await grabCut(small, trimapOf(votes, small, click, seeds));
      const mask =
        cut &&
        onePiece(
          maskFrom(
            cut.map((label) => label & 1),
            small.width,
            small.height,
          ),
          pixelOf(small, click),
        );
      const share = mask ? maskArea(mask) / mask.data.length : 0;
      if (mask && share > leastShare && share < mostShare && overlap(mask, likely) > leastAgreement) {
        cuts.push({ mask, merit: contrast(small, mask) + seeds.favour });
      }
    }
    const [best] = cuts.sort((a, b) => b.merit - a.merit);
    return best ? { ...segment, mask: resizeMask(best.mask, picture.width, picture.height) } : segment;
  };

const pixelOf = ({ width, height }: Picture, { x, y }: Point) => ({ x: x * (width - 1), y: y * (height - 1) });

/** For each pixel the share of masks (object and group, at every nearby click) that hold it. */
async function voteOn(segmenter: Segmenter, small: Picture, { x, y }: Point): Promise<Float32Array> {
  const segment = await segmenter.encode(small);
  const votes = new Float32Array(small.width * small.height);
  const inside = (at: number): number => Math.min(1, Math.max(0, at));
  let cast = 0;
  for (const [dx, dy] of nearby) {
    for (const { mask } of await segment({ x: inside(x + dx), y: inside(y + dy) }, ["object", "group"])) {
      cast++;
      for (const [i, isIn] of mask.data.entries()) votes[i] = (votes[i] as number) + isIn;
    }
  }
  return votes.map((vote) => vote / Math.max(1, cast));
}

const inverse = (mask: Mask): Mask => ({ ...mask, data: mask.data.map((isIn) => 1 - isIn) });

/** The core of the certain votes and the click are the thing; outside the box, and at the edge of the picture, is background. */
function trimapOf(
  votes: Float32Array,
  small: Picture,
  click: Point,
  { margin, reach }: { readonly margin: number; readonly reach: number },
): Uint8Array {
  const { width, height } = small;
  const likely = maskFrom(votes, width, height, probably - 1e-6);
  const box = boundingBox(likely) ?? { left: 0, top: 0, width, height };
  const thing = reach > 0 ? dilateMask(likely, reach * Math.max(box.width, box.height)) : likely;
  const core = inverse(dilateMask(inverse(maskFrom(votes, width, height, surely - 1e-6)), 2));
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
    if (core.data[i] || Math.hypot(x - at.x, y - at.y) < 4) return trimapLabel.thing;
    if (thing.data[i]) return trimapLabel.probablyThing;
    return !isNear(x, y) || isRim(x, y) ? trimapLabel.background : trimapLabel.probablyBackground;
  });
}

/** Mean difference of colour across the mask's border, two pixels apart on either side, each at most `most`: masks that follow
 * outlines have more of it. */
function contrast({ width, height, data }: Picture, mask: Mask): number {
  const most = 90;
  const inside = (x: number, y: number): boolean => mask.data[y * width + x] === 1;
  const colour = (x: number, y: number) => {
    const i = (Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))) * 3;
    return [data[i] as number, data[i + 1] as number, data[i + 2] as number] as const;
  };
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        const [outX, outY] = [x + dx, y + dy];
        if (outX < 0 || outY < 0 || outX >= width || outY >= height || inside(outX, outY)) continue;
        const [a, b] = [colour(x - dx, y - dy), colour(outX + dx, outY + dy)];
        sum += Math.min(most, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
        count++;
      }
    }
  }
  return count === 0 ? 0 : sum / count;
}

import type { Point } from "../../shared/draft.ts";
import {
  boundingBox,
  dilateMask,
  type Mask,
  maskArea,
  maskFrom,
  overlap,
  pasteMask,
  resizeMask,
} from "../tensor/mask.ts";
import { type Box, cropPicture, type Picture, resizePicture } from "../tensor/pixels.ts";
import { type GrabCut, trimapLabel } from "./grab-cut.ts";
import { onePiece } from "./one-piece.ts";
import type { Refine, Segment, SegmentAt, Segmenter } from "./vision.ts";

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

/** What agreeing wholly with the votes, and a score of 1 of a cut from the click's own mask, are worth: levels of contrast. */
const [agreementWorth, scoreWorth] = [16, 16];

/** The part of the picture around the click that is cut, this share of both its sides, for things that are at most this share of
 * the picture; a larger cut in it is not taken. */
interface Window {
  readonly share: number;
  readonly most: number;
  readonly favour: number;
}
const whole: Window = { share: 1, most: mostShare, favour: 0 };
/** Small things are seen better from close by, of large ones only parts are. */
const close: Window = { share: 0.7, most: 0.1, favour: 3 };

/** A classical cut where the learned mask is poor: GrabCut, seeded by the learned masks of a handful of clicks. `below` is the
 * segmenter's own score under which its masks are poor; photographs are always cut, in several ways, of which the one that follows
 * outlines and agrees with the votes best is taken (chosen on photographs, `test/photos`, and composites of further ones: model card). */
export const createRefine =
  (segmenter: Segmenter, grabCut: GrabCut, below: number): Refine =>
  async (picture, segment, { click, photograph }) => {
    if (segment.level !== "object" || (segment.score >= below && !photograph)) return segment;
    const cuts: Cut[] = [];
    if (photograph) {
      for (const window of shareOf(segment.mask) < close.most ? [whole, close] : [whole]) {
        cuts.push(
          ...(await cutWindow(segmenter, grabCut, { picture, photograph, click, window, seeds: [narrow, wide, own] })),
        );
      }
    } else {
      cuts.push(
        ...(await cutWindow(segmenter, grabCut, { picture, photograph, click, window: whole, seeds: [narrow] })),
      );
    }
    const [best] = cuts.sort((a, b) => b.merit - a.merit);
    return best ? { ...segment, mask: best.mask() } : segment;
  };

interface Cut {
  /** Of the picture's size. */
  readonly mask: () => Mask;
  readonly merit: number;
}

async function cutWindow(
  segmenter: Segmenter,
  grabCut: GrabCut,
  asked: {
    readonly picture: Picture;
    readonly photograph: boolean;
    readonly click: Point;
    readonly window: Window;
    readonly seeds: readonly Seeds[];
  },
): Promise<readonly Cut[]> {
  const { picture, window } = asked;
  const box = boxAround(picture, asked.click, window.share);
  const small = await resizePicture(cropPicture(picture, box), { width: edge, height: edge, fit: "inside" });
  const click = {
    x: (asked.click.x * picture.width - box.left) / box.width,
    y: (asked.click.y * picture.height - box.top) / box.height,
  };
  const votes = await voteOn(await segmenter.encode(small, asked.photograph), small, click);
  const likely = maskFrom(votes.all, small.width, small.height, probably - 1e-6);
  const cuts: Cut[] = [];
  for (const seeds of asked.seeds) {
    const trimap = trimapOf(votes, small, click, seeds);
    const labels = trimap && (await grabCut(small, trimap));
    if (!labels) continue;
    const inside = labels.map((label) => label & 1);
    const mask = onePiece(maskFrom(inside, small.width, small.height), pixelOf(small, click));
    const [share, agreement] = [shareOf(mask) * window.share ** 2, overlap(mask, likely)];
    if (share <= leastShare || share >= window.most || agreement <= leastAgreement) continue;
    const trust = agreementWorth * agreement + (seeds.from === "own" ? scoreWorth * (votes.own?.score ?? 0) : 0);
    cuts.push({
      mask: () => pasteMask(resizeMask(mask, box.width, box.height), box, picture),
      merit: contrast(small, mask) + trust + seeds.favour + window.favour,
    });
  }
  return cuts;
}

const pixelOf = ({ width, height }: Picture, { x, y }: Point) => ({ x: x * (width - 1), y: y * (height - 1) });

/** The window of a share of both sides with the click in its middle, as far as the picture goes. */
function boxAround(picture: Picture, { x, y }: Point, share: number): Box {
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * share))) as [
    number,
    number,
  ];
  const from = (middle: number, size: number, side: number): number =>
    Math.max(0, Math.min(side - size, Math.round(middle * side - size / 2)));
  return { left: from(x, width, picture.width), top: from(y, height, picture.height), width, height };
}

interface Votes {
  /** For each pixel the share of masks (object and group, at every nearby click) that hold it. */
  readonly all: Float32Array;
  /** The object at the click itself. */
  readonly own: Segment | undefined;
}

async function voteOn(segment: SegmentAt, small: Picture, { x, y }: Point): Promise<Votes> {
  const votes = new Float32Array(small.width * small.height);
  const inside = (at: number): number => Math.min(1, Math.max(0, at));
  const masks: Segment[] = [];
  for (const [dx, dy] of nearby) {
    masks.push(...(await segment({ x: inside(x + dx), y: inside(y + dy) }, ["object", "group"])));
  }
  for (const { mask } of masks) for (const [i, isIn] of mask.data.entries()) votes[i] = (votes[i] as number) + isIn;
  return {
    all: votes.map((vote) => vote / Math.max(1, masks.length)),
    own: masks.find(({ level }) => level === "object"),
  };
}

const shareOf = (mask: Mask): number => maskArea(mask) / mask.data.length;

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

import type { Point } from "../../shared/draft.ts";
import { type Mask, pasteMask, resizeMask } from "../tensor/mask.ts";
import { type Box, cropPicture, type Picture, resizePicture } from "../tensor/pixels.ts";
import type { Segment, Segmenter } from "./vision.ts";

/** Clicks that vote on what the thing is: where the person clicked, and a little beside it (fractions of what is shown). */
const nearby = [
  [0, 0],
  [0.03, 0],
  [-0.03, 0],
  [0, 0.03],
  [0, -0.03],
] as const;

/** Where a vote is asked for: the picture, the copy of it that votes are counted on, and the click in either (fractions). */
export interface Asked {
  readonly picture: Picture;
  readonly small: Picture;
  readonly click: Point;
  readonly photograph: boolean;
}

export interface Votes {
  /** For each pixel of the small copy the share of masks (object and group, at every nearby click) that hold it. */
  readonly all: Float32Array;
  /** The object at the click itself, of the small copy's size. */
  readonly own: Segment | undefined;
}

/** What the segmenter says of the part of the picture around the click that is this `share` of both its sides: of small things it
 * sees more from close by, of large ones only parts. */
export async function voteOn(
  segmenter: Segmenter,
  { picture, small, click, photograph }: Asked,
  share: number,
): Promise<Votes> {
  const from = boxAround(picture, click, share);
  const shown = await resizePicture(cropPicture(picture, from), {
    width: Math.max(small.width, small.height),
    height: Math.max(small.width, small.height),
    fit: "inside",
  });
  const at = {
    x: (click.x * picture.width - from.left) / from.width,
    y: (click.y * picture.height - from.top) / from.height,
  };
  const segment = await segmenter.encode(shown, photograph);
  const box = boxAround(small, click, share);
  const votes = new Float32Array(small.width * small.height);
  const inside = (place: number): number => Math.min(1, Math.max(0, place));
  const masks: Segment[] = [];
  for (const [dx, dy] of nearby) {
    for (const found of await segment({ x: inside(at.x + dx), y: inside(at.y + dy) }, ["object", "group"])) {
      const mask: Mask = pasteMask(resizeMask(found.mask, box.width, box.height), box, small);
      masks.push({ ...found, mask });
      for (const [i, isIn] of mask.data.entries()) votes[i] = (votes[i] as number) + isIn;
    }
  }
  return {
    all: votes.map((vote) => vote / Math.max(1, masks.length)),
    own: masks.find(({ level }) => level === "object"),
  };
}

/** The part of a share of both sides with the click in its middle, as far as the picture goes. */
function boxAround(picture: Picture, { x, y }: Point, share: number): Box {
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * share))) as [
    number,
    number,
  ];
  const from = (middle: number, size: number, side: number): number =>
    Math.max(0, Math.min(side - size, Math.round(middle * side - size / 2)));
  return { left: from(x, width, picture.width), top: from(y, height, picture.height), width, height };
}

import { holdsPoint, type Mask, maskArea, overlap, resizeMask } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import { type Asked, type Votes, voteOn } from "./click-votes.ts";
import { cutFrom, narrow, own, wide } from "./cut-mask.ts";
import type { GrabCut } from "./grab-cut.ts";
import { contrast, separation } from "./mask-merit.ts";
import { surerClick } from "./surer-click.ts";
import type { Segmenter } from "./vision.ts";

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
/** What takes less of the picture than this is looked at from closer by, too; of larger things that shows only parts. */
const smallShare = 0.2;
/** Below this score of the clicked object the segmenter does not know what it is looking at, and another click in it is looked for. */
const unsure = 0.5;
/** What a cut is worth beside its contrast, in levels of it: its own colours and none of its ground's (per unit of χ² distance), the
 * look of all cuts (agreeing wholly with the others), and a score of 1 of the mask of the click that it began from. */
const [separationWorth, consensusWorth, scoreWorth] = [20, 32, 24];

/** Photographs are always cut, in several ways, of which the one that follows outlines and agrees with the others best is taken (chosen
 * on further photographs: model card). Undefined where no cut came off. */
export async function cutPhotograph(segmenter: Segmenter, grabCut: GrabCut, asked: Asked): Promise<Mask | undefined> {
  const seen = await voteOn(segmenter, asked, whole.share);
  const score = seen.own?.score ?? 0;
  const surer = score < unsure ? await surerClick(segmenter, asked, score) : undefined;
  if (surer) {
    const elsewhere = { ...asked, click: surer };
    const mask = await bestCut(segmenter, grabCut, elsewhere, await voteOn(segmenter, elsewhere, whole.share));
    if (mask && holdsPoint(mask, asked.click)) return mask;
  }
  return bestCut(segmenter, grabCut, asked, seen);
}

/** @param seen what the segmenter says of the whole picture */
async function bestCut(segmenter: Segmenter, grabCut: GrabCut, asked: Asked, seen: Votes): Promise<Mask | undefined> {
  const cutsAt = async ({ favour }: Look, votes: Votes): Promise<Cut[]> => {
    const cuts: Cut[] = [];
    for (const seeds of [narrow, wide, own]) {
      const mask = await cutFrom(votes, seeds, grabCut, asked);
      const score = seeds.from === "own" ? (votes.own?.score ?? 0) : 0;
      if (mask) cuts.push({ mask, score, favour: favour + seeds.favour });
    }
    return cuts;
  };
  const cuts = await cutsAt(whole, seen);
  if (!seen.own || maskArea(seen.own.mask) < smallShare * seen.own.mask.data.length) {
    for (const look of closer) cuts.push(...(await cutsAt(look, await voteOn(segmenter, asked, look.share))));
  }
  const best = bestOf(cuts, asked.small);
  return best && resizeMask(best, asked.picture.width, asked.picture.height);
}

interface Cut {
  /** Of the small copy's size. */
  readonly mask: Mask;
  /** The segmenter's of the mask that it began from; 0 where it began from votes. */
  readonly score: number;
  readonly favour: number;
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

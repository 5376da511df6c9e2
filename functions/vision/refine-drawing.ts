import { type Mask, resizeMask } from "../tensor/mask.ts";
import { type Asked, voteOn } from "./click-votes.ts";
import { cutFrom, own } from "./cut-mask.ts";
import type { GrabCut } from "./grab-cut.ts";
import { separation } from "./mask-merit.ts";
import type { Segment, Segmenters } from "./vision.ts";

/** By how much more the group must differ from what is around it (χ², 0–2) to be taken for the thing itself: of two things that touch,
 * either differs from the other, too. Chosen on 3,000 composites (model card). */
const groupMargin = 0.4;

/** A mask whose segmenter was not sure of it is often a part of the thing, which the group holds whole, or misses its edges, which a
 * classical cut finds: the one whose colours differ most from those around it; undefined where that is the mask itself. */
export async function refineDrawing(
  { shown, seeds }: Segmenters,
  grabCut: GrabCut,
  segment: Segment,
  asked: Asked,
): Promise<Mask | undefined> {
  const { picture, small, click } = asked;
  const masks = await (await shown.encode(picture))(click, ["group"]);
  const group = masks.find(({ level }) => level === "group");
  const cut = await cutFrom(await voteOn(seeds, asked, 1), own, grabCut, asked);
  const merit = (mask: Mask): number => separation(small, resizeMask(mask, small.width, small.height));
  let best: { mask?: Mask; merit: number } = { merit: merit(segment.mask) };
  for (const { mask, margin } of [
    ...(group ? [{ mask: group.mask, margin: groupMargin }] : []),
    ...(cut ? [{ mask: resizeMask(cut, picture.width, picture.height), margin: 0 }] : []),
  ]) {
    const rival = { mask, merit: merit(mask) - margin };
    if (rival.merit > best.merit) best = rival;
  }
  return best.mask;
}

import type { Point } from "../../shared/draft.ts";
import { holdsPoint } from "../tensor/mask.ts";
import type { Asked } from "./click-votes.ts";
import type { Segmenter } from "./vision.ts";

/** Clicks along either side of the grid. */
const side = 5;
/** By how much a segmenter must be surer of what another click shows. */
const surely = 0.2;

/** Where else to click on the same thing: a nose or a tongue shows little of an animal that fills the picture, its cheek all of it. Of a
 * grid of clicks that whose object holds itself and the click and has the best score, if that is surely above `score`. */
export async function surerClick(
  segmenter: Segmenter,
  { small, click, photograph }: Asked,
  score: number,
): Promise<Point | undefined> {
  const segmentAt = await segmenter.encode(small, photograph);
  let best: { readonly point: Point; readonly score: number } | undefined;
  for (let i = 0; i < side * side; i++) {
    const point = { x: ((i % side) + 0.5) / side, y: (Math.floor(i / side) + 0.5) / side };
    const [found] = await segmentAt(point, ["object"]);
    const better = found && found.score > (best?.score ?? score + surely);
    if (better && [point, click].every((at) => holdsPoint(found.mask, at))) best = { point, score: found.score };
  }
  return best?.point;
}

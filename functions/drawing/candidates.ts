import type { Point } from "../../shared/draft.ts";
import { type Mask, maskArea } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import { drawPicture, rasterise } from "./canvas.ts";
import { drawBadge, drawClick, drawOutline, overlaySize } from "./mask-overlay.ts";
import { type Outline, outlineMask, outlinePath } from "./outline.ts";
import { theme } from "./theme.ts";

/** The picture with up to four masks outlined and numbered from 1, the selected one strongest → PNG. */
export async function candidates(input: {
  readonly picture: Picture;
  /** One to four, in the order of their numbers. */
  readonly masks: readonly Mask[];
  /** Index of the chosen one. */
  readonly selected?: number | undefined;
  readonly click?: Point | undefined;
}): Promise<Uint8Array> {
  const { picture, masks, selected, click } = input;
  if (masks.length > theme.marks.length)
    throw new Error(`candidates: ${masks.length} masks, at most ${theme.marks.length}`);
  const { width, height } = overlaySize(picture);
  const longer = Math.max(width, height);
  // One after another: between two of them the process answers others.
  const outlines: Outline[] = [];
  for (const mask of masks) outlines.push(await outlineMask(mask, width, height));
  const colourOf = (index: number) => theme.marks[index] ?? theme.accent;
  // Small ones are drawn over large ones: masks are often nested (part, object, group).
  const areas = masks.map((mask) => maskArea(mask) / mask.data.length);
  const order = [...masks.keys()].sort((a, b) => (areas[b] ?? 0) - (areas[a] ?? 0));
  const drawn = order.map((index) => {
    const path = outlinePath(outlines[index] ?? []);
    const tint = `<path d="${path}" fill="${colourOf(index)}" fill-opacity="${index === selected ? 0.2 : 0.06}"/>`;
    return tint + drawOutline(path, colourOf(index), index === selected ? longer / 110 : longer / 230);
  });
  const size = longer / 34;
  const badges = placeBadges(outlines, width, height, size).map(({ x, y }, index) =>
    drawBadge(String(index + 1), x, y, index === selected ? size * 1.2 : size, colourOf(index)),
  );
  const marker = click ? drawClick(click, width, height, theme.ink) : "";
  const layers = drawn.join("") + marker + badges.join("");
  return await rasterise(width, height, await drawPicture(picture, { left: 0, top: 0, width, height }, layers, 0));
}

/** Directions in which a badge may sit on its outline, the most liked first. */
const directions: readonly (readonly [number, number])[] = [
  [-1, -1],
  [1, -1],
  [0, -1],
  [-1, 0],
  [1, 0],
  [-1, 1],
  [1, 1],
  [0, 1],
];

/** A place for every badge: where its outline reaches farthest in some direction, the first direction with room between
 * it and the earlier badges, or else the one with most. */
function placeBadges(outlines: readonly Outline[], width: number, height: number, size: number): Spot[] {
  const enough = size * 3;
  const placed: Spot[] = [];
  for (const outline of outlines) {
    const points = outline.flat();
    const spots = directions.map(([right, down]) => {
      const reach = ([x, y]: readonly [number, number]) => x * right + y * down;
      const [x, y] = points.reduce((best, point) => (reach(point) > reach(best) ? point : best), points[0] ?? [0, 0]);
      return { x: clamp(x, size * 1.4, width), y: clamp(y, size * 1.4, height) };
    });
    const room = (spot: Spot) => Math.min(enough, ...placed.map(({ x, y }) => Math.hypot(x - spot.x, y - spot.y)));
    placed.push(spots.reduce((best, spot) => (room(spot) > room(best) ? spot : best)));
  }
  return placed;
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

const clamp = (value: number, edge: number, length: number) => Math.min(Math.max(value, edge), length - edge);

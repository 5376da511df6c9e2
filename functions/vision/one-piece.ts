import type { Mask } from "../tensor/mask.ts";
import { type Area, type Areas, areasOf } from "../tensor/mask-areas.ts";

/** The connected part (four neighbours) of a mask at a pixel, or of the inside pixel nearest to it, with its holes filled. */
export function onePiece(mask: Mask, at: { readonly x: number; readonly y: number }): Mask {
  const start = nearestInside(mask, at);
  if (start === undefined) return mask;
  const { areaOf } = areasOf(mask);
  const piece = { ...mask, data: mask.data.map((_, i) => Number(areaOf[i] === areaOf[start])) };
  return exchanged(piece, areasOf(piece), ({ inside, atEdge }) => !inside && !atEdge);
}

/** Pieces and holes of less than this share of the largest piece are specks. */
const speckShare = 0.03;

/** The mask without its small pieces and small holes. Bays that reach the picture's edge stay. */
export function withoutSpecks(mask: Mask): Mask {
  const found = areasOf(mask);
  const largest = found.areas.reduce((most, { inside, size }) => (inside ? Math.max(most, size) : most), 0);
  return exchanged(mask, found, ({ inside, atEdge, size }) => size < speckShare * largest && (inside || !atEdge));
}

/** The mask with those of its areas inside that were outside, and the other way round. */
function exchanged(mask: Mask, { areas, areaOf }: Areas, isWrong: (area: Area) => boolean): Mask {
  const wrong = areas.map(isWrong);
  return { ...mask, data: mask.data.map((inside, i) => (wrong[areaOf[i] as number] ? 1 - inside : inside)) };
}

function nearestInside({ width, data }: Mask, { x, y }: { readonly x: number; readonly y: number }) {
  let best: { readonly i: number; readonly distance: number } | undefined;
  for (const [i, inside] of data.entries()) {
    if (!inside) continue;
    const distance = ((i % width) - x) ** 2 + (Math.floor(i / width) - y) ** 2;
    if (!best || distance < best.distance) best = { i, distance };
  }
  return best?.i;
}

import type { Point } from "../../shared/draft.ts";
import type { Mask } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import { contain, rasterise } from "./canvas.ts";
import { captionHeight, drawHeading, drawTile, type Heading, headingHeight, type Tile } from "./grid.ts";
import { maskLayers } from "./mask-overlay.ts";
import { theme } from "./theme.ts";

/** Width of the right-hand part, pixels. */
const resultsWidth = 1_064;

/** What one learn made, at a glance: the clicked thing on the left; on the right its previews while learning, all from one
 * seed, above the new scenes → PNG. */
export async function learnStrip(
  input: Heading & {
    readonly picture: Picture;
    readonly mask?: Mask | undefined;
    readonly click?: Point | undefined;
    /** Under the source picture; the described caption. */
    readonly sourceCaption?: string | undefined;
    readonly previews: readonly { readonly step: number; readonly picture: Picture }[];
    readonly scenes: readonly Tile[];
  },
): Promise<Uint8Array> {
  const { margin, gap } = theme;
  const top = margin + headingHeight(input);
  const previews = input.previews.map(({ step, picture }) => ({ picture, caption: `step ${step}` }));
  const upper = rowOf(previews, resultsWidth);
  const lower = rowOf(input.scenes, resultsWidth);
  const resultsHeight = upper.height + (upper.height && lower.height ? gap : 0) + lower.height;
  const source: Tile = { picture: input.picture, caption: input.sourceCaption };
  // The source is a square whose caption ends where the right-hand part ends.
  let side = Math.max(320, Math.floor(resultsHeight));
  side = Math.max(320, side - captionHeight([source], side));
  const sourceHeight = side + captionHeight([source], side);
  const hasResults = resultsHeight > 0;
  const width = margin + side + (hasResults ? gap * 2 + resultsWidth : 0) + margin;
  const height = Math.ceil(top + Math.max(sourceHeight, resultsHeight) + margin);

  const frame = { left: margin, top, width: side, height: side };
  const inner = contain(input.picture, frame);
  const layers = input.mask ? await maskLayers(input.mask, input.click, inner.width, inner.height) : "";
  const left = margin + side + gap * 2;
  const drawn = await Promise.all([
    drawTile(source, frame, layers),
    drawRow(previews, left, top, upper.side),
    drawRow(input.scenes, left, top + resultsHeight - lower.height, lower.side),
  ]);
  const heading = drawHeading(input, margin, margin, width - 2 * margin);
  return await rasterise(width, height, heading + drawn.join(""), theme.paper);
}

/** Square tiles that fill the width in one row. */
function rowOf(tiles: readonly Tile[], width: number): { readonly side: number; readonly height: number } {
  if (tiles.length === 0) return { side: 0, height: 0 };
  const side = Math.min(360, Math.floor((width - (tiles.length - 1) * theme.gap) / tiles.length));
  return { side, height: side + captionHeight(tiles, side) };
}

async function drawRow(tiles: readonly Tile[], left: number, top: number, side: number): Promise<string> {
  const drawn = tiles.map((tile, i) =>
    drawTile(tile, { left: left + i * (side + theme.gap), top, width: side, height: side }),
  );
  return (await Promise.all(drawn)).join("");
}

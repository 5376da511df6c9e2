import type { Picture } from "../tensor/pixels.ts";
import { contain, drawPicture, type Frame, rasterise } from "./canvas.ts";
import { drawText, fitText, wrapText } from "./text.ts";
import { theme } from "./theme.ts";

/** A picture and the words under it. */
export interface Tile {
  readonly picture: Picture;
  readonly caption?: string | undefined;
}

const ink = { ...theme.title, colour: theme.ink };
const quiet = { ...theme.subtitle, colour: theme.quiet };
const words = { ...theme.caption, colour: theme.quiet };
const captionLines = 2;
const lineHeight = 1.35;

/** Height that `drawHeading` needs, the gap below it included. */
export const headingHeight = (heading: Heading): number =>
  (heading.title ? ink.size * lineHeight : 0) +
  (heading.caption ? quiet.size * lineHeight : 0) +
  (heading.title || heading.caption ? theme.gap : 0);

export interface Heading {
  readonly title?: string | undefined;
  readonly caption?: string | undefined;
}

/** Title and caption, one line each, from the top left. */
export function drawHeading({ title, caption }: Heading, left: number, top: number, width: number): string {
  const titleHeight = title ? ink.size * lineHeight : 0;
  return (
    (title ? drawText(fitText(title, ink, width), left, top + ink.size, ink) : "") +
    (caption ? drawText(fitText(caption, quiet, width), left, top + titleHeight + quiet.size, quiet) : "")
  );
}

/** A tile: the picture in the middle of its frame, the caption below in up to two lines. */
export async function drawTile({ picture, caption = "" }: Tile, frame: Frame, over = ""): Promise<string> {
  const inner = contain(picture, frame);
  const { left, top, width, height } = frame;
  const isFilled = inner.width === width && inner.height === height;
  const back = `<rect x="${left}" y="${top}" width="${width}" height="${height}" rx="${theme.radius}" fill="${theme.frame}"/>`;
  const lines = wrapText(caption, words, width - theme.gap, captionLines).map((line, i) =>
    drawText(line, left + width / 2, top + height + words.size * (1.45 + i * lineHeight), words, "middle"),
  );
  return (isFilled ? "" : back) + (await drawPicture(picture, inner, over)) + lines.join("");
}

/** Height under a picture for the longest caption of these tiles. */
export function captionHeight(tiles: readonly Tile[], width: number): number {
  const lines = Math.max(
    0,
    ...tiles.map(({ caption = "" }) => wrapText(caption, words, width - theme.gap, captionLines).length),
  );
  return lines === 0 ? 0 : Math.ceil(words.size * (0.6 + lines * lineHeight));
}

/** Pictures in rows with captions, under a heading → PNG. `side`: width and height of a tile, pixels. */
export async function grid(
  input: Heading & { readonly tiles: readonly Tile[]; readonly columns?: number; readonly side?: number },
): Promise<Uint8Array> {
  const { tiles, side = 256 } = input;
  if (tiles.length === 0) throw new Error("grid: no tiles");
  const columns = Math.min(tiles.length, input.columns ?? Math.ceil(Math.sqrt(tiles.length)));
  const rows = Math.ceil(tiles.length / columns);
  const rowHeight = side + captionHeight(tiles, side) + theme.gap;
  const top = theme.margin + headingHeight(input);
  const width = 2 * theme.margin + columns * (side + theme.gap) - theme.gap;
  const height = top + rows * rowHeight - theme.gap + theme.margin;
  const drawn = await Promise.all(
    tiles.map((tile, i) => {
      const left = theme.margin + (i % columns) * (side + theme.gap);
      return drawTile(tile, { left, top: top + Math.floor(i / columns) * rowHeight, width: side, height: side });
    }),
  );
  const heading = drawHeading(input, theme.margin, theme.margin, width - 2 * theme.margin);
  return await rasterise(width, Math.ceil(height), heading + drawn.join(""), theme.paper);
}

/** Pictures side by side in one row → PNG. */
export const strip = (
  input: Heading & { readonly tiles: readonly Tile[]; readonly side?: number },
): Promise<Uint8Array> => grid({ ...input, columns: input.tiles.length });

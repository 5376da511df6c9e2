import { cellName, gridCells } from "../../shared/cell-name.ts";
import type { Box } from "../../shared/draft.ts";
import { cropPicture, type Picture } from "../tensor/pixels.ts";
import { drawPicture, rasterise } from "./canvas.ts";
import { overlaySize } from "./mask-overlay.ts";
import { drawText } from "./text.ts";
import { theme } from "./theme.ts";

/** Where the chosen cells lie, the outermost first, as fractions of the picture; no cell is all of it. */
export function zoomBox(zoom: readonly number[]): Box {
  let box: Box = { x: 0, y: 0, width: 1, height: 1 };
  for (const cell of zoom) {
    const [width, height] = [box.width / gridCells, box.height / gridCells];
    box = { x: box.x + (cell % gridCells) * width, y: box.y + Math.floor(cell / gridCells) * height, width, height };
  }
  return box;
}

/** The part of a picture that a box covers, at least one pixel. */
export function partOf(picture: Picture, box: Box): Picture {
  const left = Math.min(picture.width - 1, Math.floor(box.x * picture.width));
  const top = Math.min(picture.height - 1, Math.floor(box.y * picture.height));
  const width = Math.max(1, Math.round((box.x + box.width) * picture.width) - left);
  const height = Math.max(1, Math.round((box.y + box.height) * picture.height) - top);
  return cropPicture(picture, { left, top, width, height });
}

/** The picture, or the part of it chosen so far, under a 5 × 5 grid with the names A1 to E5 → PNG. */
export async function pickGrid(input: {
  readonly picture: Picture;
  readonly zoom?: readonly number[];
}): Promise<Uint8Array> {
  const part = partOf(input.picture, zoomBox(input.zoom ?? []));
  const { width, height } = overlaySize(part);
  const lines = [1, 2, 3, 4]
    .map((i) => `M${(i * width) / gridCells} 0V${height}M0 ${(i * height) / gridCells}H${width}`)
    .join("");
  const grid =
    `<path d="${lines}" fill="none" stroke="${theme.ink}" stroke-opacity="0.45" stroke-width="4"/>` +
    `<path d="${lines}" fill="none" stroke="#ffffff" stroke-width="1.5"/>`;
  const labels = Array.from({ length: gridCells * gridCells }, (_, index) =>
    drawLabel(index, width / gridCells, height / gridCells),
  );
  const layers = grid + labels.join("");
  return await rasterise(width, height, await drawPicture(part, { left: 0, top: 0, width, height }, layers, 0));
}

/** A dark pill in the cell's corner: the middle, where one points, stays free. */
function drawLabel(index: number, cellWidth: number, cellHeight: number): string {
  const size = Math.max(14, Math.min(cellWidth, cellHeight) / 5.5);
  const left = (index % gridCells) * cellWidth + size * 0.35;
  const top = Math.floor(index / gridCells) * cellHeight + size * 0.35;
  const style = { size, weight: 600, colour: "#ffffff" } as const;
  return (
    `<rect x="${left}" y="${top}" width="${size * 1.9}" height="${size * 1.4}" rx="${size * 0.4}" fill="${theme.ink}" fill-opacity="0.72"/>` +
    drawText(cellName(index), left + size * 0.95, top + size * 1.06, style, "middle")
  );
}

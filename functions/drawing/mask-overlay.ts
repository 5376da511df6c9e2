import type { Point } from "../../shared/draft.ts";
import type { Mask } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import { drawPicture, rasterise } from "./canvas.ts";
import { outlineMask, outlinePath } from "./outline.ts";
import { drawText } from "./text.ts";
import { theme } from "./theme.ts";

const white = "#ffffff";

/** Longer side of drawings over a picture, pixels: small pictures are enlarged so that lines and letters stay fine. */
const overlaySide = { min: 640, max: 1_024 };

/** The size at which a picture is drawn on: its own, or enlarged or reduced to the limits above. */
export function overlaySize({ width, height }: Pick<Picture, "width" | "height">): { width: number; height: number } {
  const longer = Math.max(width, height);
  const scale = Math.min(Math.max(longer, overlaySide.min), overlaySide.max) / longer;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** A coloured line in a white casing, seen on any picture. */
export const drawOutline = (path: string, colour: string, lineWidth: number): string =>
  `<g fill="none" stroke-linejoin="round"><path d="${path}" stroke="${white}" stroke-width="${lineWidth * 2}"/>` +
  `<path d="${path}" stroke="${colour}" stroke-width="${lineWidth}"/></g>`;

/** A ring where the click was. */
export function drawClick({ x, y }: Point, width: number, height: number, colour: string = theme.accent): string {
  const size = Math.max(width, height) / 64;
  const centre = `cx="${x * width}" cy="${y * height}"`;
  return (
    `<circle ${centre} r="${size * 1.15}" fill="none" stroke="${theme.ink}" stroke-opacity="0.35" stroke-width="${size}"/>` +
    `<circle ${centre} r="${size}" fill="${colour}" stroke="${white}" stroke-width="${size * 0.55}"/>`
  );
}

/** What the click chose: the rest darker, the thing outlined, the click marked. SVG in picture-sized coordinates. */
export async function maskLayers(mask: Mask, click: Point | undefined, width: number, height: number): Promise<string> {
  const path = outlinePath(await outlineMask(mask, width, height));
  const lineWidth = Math.max(width, height) / 200;
  const rest = `M0 0H${width}V${height}H0Z${path}`;
  return (
    `<path d="${rest}" fill="${theme.ink}" fill-opacity="0.5" fill-rule="evenodd"/>` +
    `<path d="${path}" fill="${theme.accent}" fill-opacity="0.14"/>` +
    drawOutline(path, theme.accent, lineWidth) +
    (click ? drawClick(click, width, height) : "")
  );
}

/** The picture with its mask and click → PNG. */
export async function maskOverlay(input: {
  readonly picture: Picture;
  readonly mask: Mask;
  readonly click?: Point | undefined;
}): Promise<Uint8Array> {
  const { width, height } = overlaySize(input.picture);
  const layers = await maskLayers(input.mask, input.click, width, height);
  return await rasterise(
    width,
    height,
    await drawPicture(input.picture, { left: 0, top: 0, width, height }, layers, 0),
  );
}

/** A round badge with a short text. */
export function drawBadge(text: string, x: number, y: number, size: number, colour: string): string {
  const style = { size: size * 1.15, weight: 600, colour: white } as const;
  return (
    `<circle cx="${x}" cy="${y}" r="${size}" fill="${colour}" stroke="${white}" stroke-width="${size / 6}"/>` +
    drawText(text, x, y + style.size * 0.364, style, "middle")
  );
}

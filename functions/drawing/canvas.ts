import sharp from "sharp";
import { type Picture, resizePicture, toSharp } from "../tensor/pixels.ts";
import { theme } from "./theme.ts";

/** A rectangle in pixels of the drawing. */
export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** SVG elements on a sheet → PNG. The elements hold numbers, colours and outlines alone: no text from outside. */
export async function rasterise(width: number, height: number, elements: string, paper?: string): Promise<Uint8Array> {
  const sheet = paper ? `<rect width="${width}" height="${height}" fill="${paper}"/>` : "";
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${sheet}${elements}</svg>`;
  // `unlimited` lifts the parser's 10 MB limit on embedded pictures; the input is our own.
  const png = await sharp(Buffer.from(svg), { unlimited: true }).removeAlpha().png({ compressionLevel: 9 }).toBuffer();
  return new Uint8Array(png);
}

/** The largest frame of the picture's shape in the middle of another, whole pixels. */
export function contain({ width, height }: Pick<Picture, "width" | "height">, frame: Frame): Frame {
  const scale = Math.min(frame.width / width, frame.height / height);
  const inner = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const left = frame.left + Math.floor((frame.width - inner.width) / 2);
  return { left, top: frame.top + Math.floor((frame.height - inner.height) / 2), ...inner };
}

/** The picture resampled to fill the frame, as an SVG image with rounded corners and whatever is drawn over it. */
export async function drawPicture(
  picture: Picture,
  frame: Frame,
  over = "",
  radius: number = theme.radius,
): Promise<string> {
  const { left, top, width, height } = frame;
  const sized = await resizePicture(picture, { width, height });
  const png = await toSharp(sized).png({ compressionLevel: 2 }).toBuffer();
  // Frames of one drawing never share a corner, so place and size make a unique id.
  const id = `clip-${left}-${top}-${width}-${height}`;
  const rect = `<rect width="${width}" height="${height}" rx="${radius}"`;
  const image = `<image width="${width}" height="${height}" href="data:image/png;base64,${png.toString("base64")}"/>`;
  // A hairline keeps white pictures apart from the sheet.
  const edge = radius > 0 ? `${rect} fill="none" stroke="${theme.ink}" stroke-opacity="0.16" stroke-width="2"/>` : "";
  return (
    `<g transform="translate(${left} ${top})"><clipPath id="${id}">${rect}/></clipPath>` +
    `<g clip-path="url(#${id})">${image}${over}${edge}</g></g>`
  );
}

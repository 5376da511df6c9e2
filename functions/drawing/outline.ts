import { contours } from "d3-contour";
import sharp from "sharp";
import { type Mask, maskArea } from "../tensor/mask.ts";

/** Closed lines of [x, y] in pixels of the drawing; a hole is a line of its own. */
export type Outline = readonly (readonly (readonly [number, number])[])[];

/** The mask's edge for a picture drawn at width × height pixels, the steps of coarse masks smoothed. */
export async function outlineMask(mask: Mask, width: number, height: number): Promise<Outline> {
  // A mask pixel is this many pixels wide in the drawing; a blur of about that size rounds its corners.
  const scale = Math.max(width / mask.width, height / mask.height);
  const smooth = await traceMask(mask, width, height, Math.max(0.6, 0.9 * scale));
  // Blurring may swallow a mask of a few pixels; its steps are better than nothing.
  return smooth.length > 0 || maskArea(mask) === 0 ? smooth : await traceMask(mask, width, height, 0);
}

async function traceMask(mask: Mask, width: number, height: number, blur: number): Promise<Outline> {
  const grey = mask.data.map((inside) => (inside ? 255 : 0));
  const enlarged = sharp(grey, { raw: { width: mask.width, height: mask.height, channels: 1 } }).resize({
    width,
    height,
    fit: "fill",
    kernel: blur > 0 ? "cubic" : "nearest",
  });
  const { data, info } = await (blur > 0 ? enlarged.blur(blur) : enlarged).raw().toBuffer({ resolveWithObject: true });
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[i * info.channels] as number;
  // The types know of plain arrays only, whose megapixel of boxed numbers would take longer than the tracing.
  const edge = contours()
    .size([width, height])
    .contour(values as ArrayLike<number> as number[], 127.5);
  return edge.coordinates.flat().map((ring) => ring.map(([x = 0, y = 0]) => [round(x), round(y)] as const));
}

const round = (x: number) => Math.round(x * 10) / 10;

/** The outline as data of an SVG path. */
export const outlinePath = (outline: Outline): string =>
  outline.map((ring) => `M${ring.map((point) => point.join(" ")).join("L")}Z`).join("");

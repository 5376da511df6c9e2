import sharp from "sharp";
import { UserError } from "../../shared/error.ts";
import { type Box, readPicture } from "./pixels.ts";
import { type Tensor, tensor } from "./tensor.ts";

/** Which pixels belong to the thing: 1 inside, 0 outside, row by row from the top left. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Inside where the value is above the threshold; values by rows. */
export function maskFrom(values: ArrayLike<number>, width: number, height: number, threshold = 0.5): Mask {
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = Number((values[i] ?? 0) > threshold);
  return { width, height, data };
}

/** Left and right exchanged. */
export const mirrorMask = ({ width, height, data }: Mask): Mask => ({
  width,
  height,
  data: data.map((_, i) => data[i - (i % width) + (width - 1 - (i % width))] as number),
});

/** Pixels inside. A plain loop: masks have a megapixel, and callers answer people within seconds. */
export function maskArea({ data }: Mask): number {
  let area = 0;
  for (let i = 0; i < data.length; i++) area += data[i] as number;
  return area;
}

/** Whether a point, in fractions of width and height, is in the mask. */
export const holdsPoint = (
  { width, height, data }: Mask,
  { x, y }: { readonly x: number; readonly y: number },
): boolean =>
  data[Math.min(height - 1, Math.floor(y * height)) * width + Math.min(width - 1, Math.floor(x * width))] === 1;

/** Intersection over union. */
export function overlap(a: Mask, b: Mask): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.data.length; i++) {
    both += (a.data[i] as number) & (b.data[i] as number);
    either += (a.data[i] as number) | (b.data[i] as number);
  }
  return either === 0 ? 0 : both / either;
}

/** The mask of a box's part of a picture as one of the whole picture: nothing is inside elsewhere. */
export function pasteMask(
  part: Mask,
  { left, top }: Pick<Box, "left" | "top">,
  size: Pick<Mask, "width" | "height">,
): Mask {
  const data = new Uint8Array(size.width * size.height);
  for (let y = 0; y < part.height; y++) {
    data.set(part.data.subarray(y * part.width, (y + 1) * part.width), (top + y) * size.width + left);
  }
  return { width: size.width, height: size.height, data };
}

/** Share of each cell that lies inside, f32 [1, 1, height, width] in [0, 1]: exact area averages, also where cells cut
 * pixels. */
export function maskCoverage(mask: Mask, width: number, height: number): Tensor {
  const across = averageRows(Float64Array.from(mask.data), mask.height, mask.width, width);
  const down = averageRows(transpose(across, mask.height, width), width, mask.height, height);
  return tensor(Float32Array.from(transpose(down, width, height)), [1, 1, height, width]);
}

/** The mask at another size: a pixel is inside where at least half of it was. */
export const resizeMask = (mask: Mask, width: number, height: number): Mask =>
  maskFrom(maskCoverage(mask, width, height).data, width, height, 0.5 - 1e-6);

/** Rows of `from` values averaged over `to` cells of equal width. */
function averageRows(values: Float64Array, rows: number, from: number, to: number): Float64Array {
  const averages = new Float64Array(rows * to);
  for (let cell = 0; cell < to; cell++) {
    const begin = (cell * from) / to;
    const end = ((cell + 1) * from) / to;
    for (let x = Math.floor(begin); x < Math.min(from, Math.ceil(end)); x++) {
      const share = (Math.min(end, x + 1) - Math.max(begin, x)) / (end - begin);
      for (let row = 0; row < rows; row++) {
        const i = row * to + cell;
        averages[i] = (averages[i] ?? 0) + share * (values[row * from + x] ?? 0);
      }
    }
  }
  return averages;
}

function transpose(values: Float64Array, rows: number, columns: number): Float64Array {
  const turned = new Float64Array(values.length);
  for (let y = 0; y < rows; y++) for (let x = 0; x < columns; x++) turned[x * rows + y] = values[y * columns + x] ?? 0;
  return turned;
}

/** The mask grown by every pixel whose centre is at most `radius` pixels from a pixel inside. */
export function dilateMask({ width, height, data }: Mask, radius: number): Mask {
  const reach = Math.floor(radius);
  const rise = columnDistances(data, width, height);
  const grown = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const last = Math.min(width - 1, x + reach);
      for (let near = Math.max(0, x - reach); near <= last; near++) {
        if ((near - x) ** 2 + (rise[y * width + near] ?? 0) ** 2 > radius ** 2) continue;
        grown[y * width + x] = 1;
        break;
      }
    }
  }
  return { width, height, data: grown };
}

/** Distance in pixels to the nearest inside pixel of the same column; infinite in a column without any. */
function columnDistances(data: Uint8Array, width: number, height: number): Float64Array {
  const distances = new Float64Array(data.length).fill(Number.POSITIVE_INFINITY);
  const sweep = (x: number, from: number, to: number, step: number) => {
    let distance = Number.POSITIVE_INFINITY;
    for (let y = from; y !== to; y += step) {
      const i = y * width + x;
      distance = data[i] ? 0 : distance + 1;
      distances[i] = Math.min(distances[i] ?? distance, distance);
    }
  };
  for (let x = 0; x < width; x++) {
    sweep(x, 0, height, 1);
    sweep(x, height - 1, -1, -1);
  }
  return distances;
}

/** The smallest box around the mask, or undefined when nothing is inside. */
export function boundingBox({ width, height, data }: Mask): Box | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1];
  data.forEach((inside, i) => {
    if (!inside) return;
    const x = i % width;
    const y = Math.floor(i / width);
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  });
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** A one-channel PNG, 255 inside, 0 outside. */
export async function encodeMask({ width, height, data }: Mask): Promise<Uint8Array> {
  const grey = data.map((inside) => (inside ? 255 : 0));
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer();
}

/** A mask from any picture: inside where it is brighter than middle grey.
 * @throws UserError bad_image, also when nothing or everything would be inside */
export async function decodeMask(bytes: Uint8Array): Promise<Mask> {
  const { width, height, data } = await readPicture(bytes);
  const luminance = new Float32Array(width * height);
  for (let i = 0; i < luminance.length; i++) {
    const at = 3 * i;
    // Rec. 709 weights.
    luminance[i] =
      0.2126 * (data[at] as number) + 0.7152 * (data[at + 1] as number) + 0.0722 * (data[at + 2] as number);
  }
  const mask = maskFrom(luminance, width, height, 127.5);
  const area = maskArea(mask);
  if (area === 0 || area === data.length / 3) {
    throw new UserError("bad_image", `Expected a mask, white on black; all of it is ${area ? "white" : "black"}.`);
  }
  return mask;
}

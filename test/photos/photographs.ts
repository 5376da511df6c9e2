import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { decodeMask, type Mask } from "../../functions/tensor/mask.ts";
import { type Picture, readPicture } from "../../functions/tensor/pixels.ts";
import type { Point } from "../../shared/draft.ts";

/** A free photograph with a click, and the thing there as a person outlined and named it. */
export interface Photograph {
  readonly file: string;
  readonly path: string;
  readonly picture: Picture;
  readonly click: Point;
  readonly mask: Mask;
  /** Nouns that are right, coarse ones included. */
  readonly nouns: readonly string[];
}

interface Entry {
  readonly file: string;
  /** Pixels. */
  readonly click: readonly [x: number, y: number];
  readonly nouns: readonly string[];
  readonly kind: string;
  readonly source: string;
  /** Polygons drawn by hand, "x,y x,y …" in pixels; their union is the thing. */
  readonly outlines: readonly string[];
}

const entries: readonly Entry[] = JSON.parse(readFileSync(join(import.meta.dirname, "photos.json"), "utf8"));

/** All photographs of this folder; see photos.json for where each comes from. */
export const readPhotographs = (): Promise<readonly Photograph[]> =>
  Promise.all(
    entries.map(async ({ file, click: [x, y], nouns, kind, outlines }) => {
      const path = join(import.meta.dirname, file);
      const picture = await readPicture(path);
      const { width, height } = picture;
      const mask = await fill(outlines, width, height);
      return { file, path, picture, mask, click: { x: x / width, y: y / height }, nouns: [...nouns, kind] };
    }),
  );

async function fill(outlines: readonly string[], width: number, height: number): Promise<Mask> {
  const polygons = outlines.map((points) => `<polygon points="${points}" fill="white"/>`).join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%"/>${polygons}</svg>`;
  return decodeMask(await sharp(Buffer.from(svg)).png().toBuffer());
}

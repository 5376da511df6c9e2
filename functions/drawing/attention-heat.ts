import type { Picture } from "../tensor/pixels.ts";
import { grid, type Heading } from "./grid.ts";

/** One word and where it looks: `heat` 0–1 for every pixel of the picture, row by row. */
export interface HeatTile {
  readonly caption: string;
  readonly heat: Float32Array;
}

/** Violet over orange to yellow: brighter is more, in greys and to people who confuse colours too. */
const ramp = [
  [30, 22, 60],
  [109, 77, 242],
  [240, 110, 60],
  [255, 236, 130],
] as const;

/** The picture, and beside it once per word in greys with the heat over it → PNG. */
export function attentionHeat(
  input: Heading & { readonly picture: Picture; readonly tiles: readonly HeatTile[] },
): Promise<Uint8Array> {
  const { picture, tiles, ...heading } = input;
  const heated = tiles.map(({ caption, heat }) => ({ caption, picture: heatUp(picture, heat) }));
  const all = [{ picture, caption: "the picture" }, ...heated];
  return grid({ ...heading, tiles: all, columns: Math.min(4, all.length), side: 256 });
}

function heatUp({ width, height, data }: Picture, heat: Float32Array): Picture {
  const painted = new Uint8Array(data.length);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [0, 1, 2].map((channel) => data[3 * i + channel] as number) as [number, number, number];
    const grey = 0.3 * r + 0.59 * g + 0.11 * b;
    const value = heat[i] as number;
    const colour = colourOf(value);
    for (let channel = 0; channel < 3; channel++) {
      const tint = colour[channel] as number;
      // The greys stay visible under the heat, so that one sees what is looked at.
      painted[3 * i + channel] = Math.round(tint * (0.35 + 0.4 * value) + grey * (0.65 - 0.4 * value));
    }
  }
  return { width, height, data: painted };
}

function colourOf(value: number): readonly number[] {
  const at = Math.min(Math.max(value, 0), 1) * (ramp.length - 1);
  const low = Math.min(Math.floor(at), ramp.length - 2);
  const [from, to] = [ramp[low], ramp[low + 1]] as [readonly number[], readonly number[]];
  return from.map((x, i) => x + ((to[i] as number) - x) * (at - low));
}

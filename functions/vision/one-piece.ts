import type { Mask } from "../tensor/mask.ts";

/** The connected part (four neighbours) of a mask at a pixel, or of the inside pixel nearest to it, with its holes filled. */
export function onePiece(mask: Mask, at: { readonly x: number; readonly y: number }): Mask {
  const { width, height, data } = mask;
  const start = nearestInside(mask, at);
  if (start === undefined) return mask;
  const piece = flood([start], width, height, (i) => data[i] === 1);
  const border = Array.from(data.keys()).filter((i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return !piece[i] && (x === 0 || y === 0 || x === width - 1 || y === height - 1);
  });
  const outside = flood(border, width, height, (i) => !piece[i]);
  return { width, height, data: outside.map((reached) => 1 - reached) };
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

function flood(seeds: readonly number[], width: number, height: number, isOpen: (i: number) => boolean): Uint8Array {
  const reached = new Uint8Array(width * height);
  const stack = [...seeds];
  for (const i of seeds) reached[i] = 1;
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const x = i % width;
    const around = [
      ...(x > 0 ? [i - 1] : []),
      ...(x + 1 < width ? [i + 1] : []),
      ...(i >= width ? [i - width] : []),
      ...(i + width < reached.length ? [i + width] : []),
    ];
    for (const near of around) {
      if (reached[near] || !isOpen(near)) continue;
      reached[near] = 1;
      stack.push(near);
    }
  }
  return reached;
}

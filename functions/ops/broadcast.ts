import type { Shape } from "../tensor/tensor.ts";

/** NumPy broadcasting of two shapes. @throws Error when they do not fit. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) throw new Error(`shapes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

/** Axes of `from` along which `to` was broadcast. */
export const broadcastAxes = (from: Shape, to: Shape): readonly number[] =>
  from.flatMap((dim, i) => ((to[to.length - from.length + i] ?? 1) !== dim ? [i] : []));

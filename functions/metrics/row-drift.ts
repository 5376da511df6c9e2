import type { Tensor } from "../tensor/tensor.ts";
import { cosine } from "./feature-distance.ts";

/** One learned row beside the row it began as. */
export interface RowDrift {
  /** Euclidean norm of the learned row and of its initialiser. Rows that outgrow words make the rest of a prompt unheard. */
  readonly norm: number;
  readonly initialNorm: number;
  /** Cosine similarity to the initialiser, −1 … 1. */
  readonly cosine: number;
}

/** rows, initial: f32 [n, D]. One entry per row, in order. @throws Error when the shapes differ */
export function rowDrift(rows: Tensor, initial: Tensor): readonly RowDrift[] {
  const [count = 0, width = 0] = rows.shape;
  if (rows.shape.join() !== initial.shape.join()) {
    throw new Error(`row drift: rows [${rows.shape}] and initialiser [${initial.shape}] differ in shape`);
  }
  return Array.from({ length: count }, (_, i) => {
    const [row, start] = [rows, initial].map(({ data }) => data.subarray(i * width, (i + 1) * width)) as [
      Float32Array,
      Float32Array,
    ];
    return { norm: Math.hypot(...row), initialNorm: Math.hypot(...start), cosine: cosine(row, start) };
  });
}

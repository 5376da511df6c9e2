import { type Tensor, tensor } from "../tensor/tensor.ts";

export interface DirectionOptions {
  /** Length of a step on the unit sphere, about its angle in radians. */
  readonly learningRate: number;
  /** κ, pull towards the initialiser's direction: concentration of a von Mises–Fisher prior around it. */
  readonly priorPull: number;
}

/** One step of Directional Textual Inversion (Kim et al. 2025, arXiv 2512.13672; RSGD with β = 0, as in its experiments): a row
 * is its norm times a unit direction v, and only v learns. g = |row| · ∂L/∂row − κ µ is projected on the tangent space at v,
 * g ← g − ⟨g, v⟩ v, and scaled to length 1; v ← v − lr · g is brought back to the sphere. Each row keeps the norm of its own
 * initialiser (theirs take the vocabulary's mean norm): it is set anew at every step, so nothing drifts.
 * @param rows f32 [n, D] before the step @param gradient f32 [n · D] @param initial f32 [n, D], gives norms and µ */
export function directionStep(
  rows: Tensor,
  gradient: Float32Array,
  initial: Tensor,
  { learningRate, priorPull }: DirectionOptions,
): Tensor {
  const [count, width] = rows.shape as [number, number];
  const moved = new Float32Array(rows.data.length);
  for (let row = 0; row < count; row++) {
    const range = [row * width, (row + 1) * width] as const;
    const start = initial.data.subarray(...range);
    const norm = lengthOf(start);
    const v = unit(rows.data.subarray(...range));
    const mu = unit(start);
    const raw = v.map((_, i) => norm * (gradient[range[0] + i] as number) - priorPull * (mu[i] as number));
    // A zero gradient has no direction: the row stays.
    const g = unit(tangent(raw, v));
    const next = unit(v.map((x, i) => x - learningRate * (g[i] as number)));
    moved.set(
      next.map((x) => x * norm),
      range[0],
    );
  }
  return tensor(moved, rows.shape);
}

/** The part of g that is orthogonal to the unit vector v. */
export function tangent(g: Float64Array, v: Float64Array): Float64Array {
  const along = g.reduce((sum, x, i) => sum + x * (v[i] as number), 0);
  return g.map((x, i) => x - along * (v[i] as number));
}

export const lengthOf = (values: Float32Array | Float64Array): number => Math.hypot(...values);

/** Scaled to length 1; zeros stay zeros. */
export function unit(values: Float32Array | Float64Array): Float64Array {
  const length = lengthOf(values);
  return Float64Array.from(values, (x) => (length === 0 ? 0 : x / length));
}

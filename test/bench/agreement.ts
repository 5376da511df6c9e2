import type { Tensor } from "../../functions/tensor/tensor.ts";

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

const both = (a: Tensor | undefined, b: Tensor | undefined): [Float32Array, Float32Array] => {
  if (!a || !b || a.data.length !== b.data.length) throw new Error("the two sides gave results of different sizes");
  return [a.data, b.data];
};

/** ‖a − b‖ / ‖b‖, Euclidean. */
export function relativeDifference(a: Tensor | undefined, b: Tensor | undefined): number {
  const [x, y] = both(a, b);
  const difference = Float32Array.from(x, (value, i) => value - (y[i] as number));
  return Math.sqrt(dot(difference, difference) / dot(y, y));
}

/** Cosine of the angle between the two. */
export function cosine(a: Tensor | undefined, b: Tensor | undefined): number {
  const [x, y] = both(a, b);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

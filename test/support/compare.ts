import type { Tensor } from "../../functions/tensor/tensor.ts";

/** Largest absolute difference of two tensors of one shape. */
export function maxError(actual: Tensor, expected: Tensor): number {
  if (actual.shape.join() !== expected.shape.join())
    throw new Error(`shapes [${actual.shape}] and [${expected.shape}]`);
  return actual.data.reduce((worst, x, i) => Math.max(worst, Math.abs(x - (expected.data[i] as number))), 0);
}

/** ‖actual − expected‖₂ / ‖expected‖₂. */
export function relativeL2(actual: Tensor, expected: Tensor): number {
  const norm = (data: Float32Array): number => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
  return norm(actual.data.map((x, i) => x - (expected.data[i] as number))) / norm(expected.data);
}

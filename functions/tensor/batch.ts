import { sizeOf, type Tensor, tensor } from "./tensor.ts";

/** Joins along the first dimension: [a, …], [b, …] → [a + b, …]. @throws Error when the other dimensions differ */
export function concat(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new Error("concat: nothing to join");
  const inner = first.shape.slice(1);
  const odd = parts.find(({ shape }) => shape.length === 0 || String(shape.slice(1)) !== String(inner));
  if (odd) throw new Error(`concat: shapes [${first.shape}] and [${odd.shape}] differ beyond the first dimension`);
  const count = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
  const data = new Float32Array(count * sizeOf(inner));
  let filled = 0;
  for (const part of parts) {
    data.set(part.data, filled);
    filled += part.data.length;
  }
  return tensor(data, [count, ...inner]);
}

/** Adds a first dimension: n tensors of one shape → [n, ...shape]. */
export const stack = (parts: readonly Tensor[]): Tensor =>
  concat(parts.map(({ data, shape }) => tensor(data, [1, ...shape])));

/** Entries from…to − 1 along the first dimension; shares the memory of the whole. */
export function part(whole: Tensor, from: number, to: number): Tensor {
  const [count = 0, ...inner] = whole.shape;
  if (whole.shape.length === 0 || from < 0 || to < from || to > count) {
    throw new Error(`part: ${from}…${to} of shape [${whole.shape}]`);
  }
  const size = sizeOf(inner);
  return tensor(whole.data.subarray(from * size, to * size), [to - from, ...inner]);
}

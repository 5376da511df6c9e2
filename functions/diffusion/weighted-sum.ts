import { type Tensor, tensor } from "../tensor/tensor.ts";

/** Σ weight · term over tensors of one shape, summed in f64 and rounded once. */
export function weightedSum(...terms: readonly (readonly [weight: number, term: Tensor])[]): Tensor {
  const [first] = terms;
  if (first === undefined) throw new Error("weightedSum: nothing to add");
  const sum = new Float64Array(first[1].data.length);
  for (const [weight, { data, shape }] of terms) {
    if (data.length !== sum.length) throw new Error(`weightedSum: shapes [${first[1].shape}] and [${shape}] differ`);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + weight * (data[i] as number);
  }
  return tensor(Float32Array.from(sum), first[1].shape);
}

import { weightedSum } from "../diffusion/weighted-sum.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

/** Two weighted squares are one: a (p − t)² + b (p − q)² = w (p − ((1 − s) t + s q))² + w s (1 − s) (t − q)², w = a + b and
 * s = b / w. So the graph of the plain loss serves, with the blended target; `constant` is the mean of the last term, which
 * no prediction changes.
 * @param target, background f32 [1, C, h, w] @param weights, share f32 [1, 1, h, w] */
export function blendTargets(
  target: Tensor,
  background: Tensor,
  weights: Tensor,
  share: Tensor,
): { readonly target: Tensor; readonly constant: number } {
  const cells = share.data.length;
  const spread = weightedSum([1, target], [-1, background]);
  let constant = 0;
  const blended = target.data.map((t, i) => {
    const s = share.data[i % cells] as number;
    const difference = spread.data[i] as number;
    constant += (weights.data[i % cells] as number) * s * (1 - s) * difference * difference;
    return t - s * difference;
  });
  return { target: tensor(blended, target.shape), constant: constant / target.data.length };
}

import { type Tensor, tensor } from "../tensor/tensor.ts";

/** One more step of an exponential average of rows (Polyak & Juditsky 1992): at a constant learning rate rows circle the best
 * ones, and their mean is nearer. Young averages forget faster, min(β, (1 + step) / (10 + step)) as in diffusion models'
 * training, so that the initial rows leave soon.
 * @param average f32 [n, D] before the step @param rows f32 [n, D] after it @param step 1 … steps @param beta β, 0…1; 0 is no
 * average, the rows themselves */
export function averageRows(average: Tensor, rows: Tensor, step: number, beta: number): Tensor {
  const kept = Math.min(beta, (1 + step) / (10 + step));
  if (kept === 0) return rows;
  return tensor(
    rows.data.map((value, i) => kept * (average.data[i] as number) + (1 - kept) * value),
    rows.shape,
  );
}

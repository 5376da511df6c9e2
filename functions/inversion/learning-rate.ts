/** Learning rate of one step: from the first step's down to `finalRateShare` of it at the last, by one ratio per step.
 * @param step 0 … steps − 1 */
export function learningRateAt(
  { learningRate, finalRateShare, steps }: { learningRate: number; finalRateShare: number; steps: number },
  step: number,
): number {
  return finalRateShare === 1 || steps < 2 ? learningRate : learningRate * finalRateShare ** (step / (steps - 1));
}

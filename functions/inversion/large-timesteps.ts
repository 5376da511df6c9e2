/** Where in 0…1 of the timesteps a uniform draw falls when large ones are drawn more often: ReVersion's importance sampling
 * (Huang et al. 2023; `importance_sampling_fn` of their train.py, α 0.5), density f(x) = 1 − α cos πx over x = t / T. What a thing is, is decided at large t, its surface
 * at small t. The density stays within 1 ± α, where x₀-space weights would put nine tenths of the learning above t = 700.
 * Inverts F(x) = x − (α / π) sin πx; monotone, so stratified draws stay stratified.
 * @param uniform in [0, 1) @param alpha 0 … 1, 0 changes nothing */
export function emphasise(uniform: number, alpha: number): number {
  if (alpha === 0) return uniform;
  let [low, high] = [0, 1];
  // Halving 53 times fixes every bit of a double, and unlike Newton's rule works where f(0) = 0.
  for (let i = 0; i < 53; i++) {
    const middle = (low + high) / 2;
    if (middle - (alpha / Math.PI) * Math.sin(Math.PI * middle) <= uniform) low = middle;
    else high = middle;
  }
  return low;
}

/** α at a step: full at first, linearly gone after the first half of the run, whose rest learns at all levels alike. */
export const emphasisAt = (
  { largeTimesteps, steps }: { largeTimesteps: number; steps: number },
  step: number,
): number => largeTimesteps * Math.max(0, 1 - (2 * step) / steps);

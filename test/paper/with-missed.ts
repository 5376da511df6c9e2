/** A run that stopped early has at the steps it did not reach what it had at its end: else later looks would be of those runs alone
 * that went on. In order of steps. */
export const withMissed = <T extends { readonly step: number }>(
  looked: readonly T[],
  missed: readonly number[],
  end: T,
): readonly T[] => [...looked, ...missed.map((step) => ({ ...end, step }))].toSorted((a, b) => a.step - b.step);

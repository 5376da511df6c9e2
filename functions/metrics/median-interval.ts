export interface MedianInterval {
  /** Of an even number of values the larger middle one. */
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median of values, some of which may be Infinity for "never", with the interval between two of them that holds the true one in at
 * least 95 % of samples whatever the distribution (Conover 1999, sec. 3.2: ranks from the binomial distribution). Below six values
 * no two are far enough apart: the interval is 0 to Infinity. Values are ≥ 0. @throws Error when there is no value */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const at = (i: number): number => sorted[i] as number;
  if (n === 0) throw new Error("median: there is no value");
  // How many of the lowest values may be left out: the chance that so few lie below the median is at most a fortieth.
  let left = 0;
  let [chance, cumulative] = [0.5 ** n, 0];
  while (cumulative + chance <= 0.025) {
    cumulative += chance;
    chance *= (n - left) / (left + 1);
    left += 1;
  }
  const bounds = left === 0 ? { low: 0, high: Number.POSITIVE_INFINITY } : { low: at(left - 1), high: at(n - left) };
  return { median: at(n >> 1), ...bounds };
}

import { integers } from "../tensor/noise.ts";

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface BootstrapOptions {
  readonly seed?: number;
  readonly resamples?: number;
  /** Share of the resampled means that the interval holds. */
  readonly confidence?: number;
}

/** Mean with its percentile bootstrap interval (Efron 1979). One value per picture, already averaged over seeds: pictures are
 * what is resampled, since seeds of one picture are not independent. @throws Error when there is no value */
export function bootstrapInterval(
  values: readonly number[],
  { seed = 1, resamples = 10_000, confidence = 0.95 }: BootstrapOptions = {},
): Interval {
  const n = values.length;
  if (n === 0) throw new Error("bootstrap: there is no value to resample");
  const meanOf = (list: readonly number[]): number => list.reduce((sum, x) => sum + x, 0) / n;
  const means = Float64Array.from({ length: resamples }, (_, i) =>
    meanOf(integers(n, n, { seed, stream: ["bootstrap", i] }).map((j) => values[j] as number)),
  );
  means.sort();
  const tail = Math.round(((1 - confidence) / 2) * resamples);
  const at = (index: number): number => means[Math.min(resamples - 1, Math.max(0, index))] as number;
  return { mean: meanOf(values), low: at(tail - 1), high: at(resamples - tail - 1) };
}

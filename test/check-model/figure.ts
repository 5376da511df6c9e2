/** One line of the report. Values are shares, 0–1. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** 95 %, of the mean under the normal approximation, cut to 0–1; absent for ratios. */
  readonly interval?: readonly [number, number];
  readonly count: number;
  /** Least value that passes; absent for lines that are printed beside. */
  readonly goal?: number;
}

/** The mean of `values` (hits count as 1) with its interval. */
export function meanOf(name: string, values: readonly (number | boolean)[], goal?: number): Figure {
  const count = values.length;
  const numbers = values.map(Number);
  const mean = numbers.reduce((a, b) => a + b, 0) / count;
  const spread = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, count - 1);
  const half = 1.96 * Math.sqrt(spread / count);
  const interval = [Math.max(0, mean - half), Math.min(1, mean + half)] as const;
  return { name, value: mean, interval, count, ...(goal !== undefined && { goal }) };
}

const percent = (share: number): string => (Number.isFinite(share) ? (share * 100).toFixed(1) : "–");

/** A table: name, goal, figure, interval, count and whether it passes. */
export function printedFigures(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, goal, value, interval, count }) => [
    name,
    goal === undefined ? "" : `≥ ${percent(goal)}`,
    percent(value),
    interval ? `${percent(interval[0])} … ${percent(interval[1])}` : "",
    String(count),
    goal === undefined ? "" : value >= goal ? "pass" : "FAIL",
  ]);
  const table = [["%", "goal", "figure", "interval", "n", ""], ...rows];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { rasterise } from "../../functions/drawing/canvas.ts";
import { drawText, measureText } from "../../functions/drawing/text.ts";
import { theme } from "../../functions/drawing/theme.ts";
import { bootstrapInterval, type Interval } from "../../functions/metrics/bootstrap-interval.ts";
import { type Measure, perThing } from "./findings.ts";
import type { Arm } from "./plan.ts";
import type { RunResult } from "./store.ts";

/** One arm over steps: mean over pictures with its 95 % interval. */
export interface Series {
  readonly name: string;
  /** Its name's own when absent. */
  readonly colour?: string;
  readonly points: readonly (Interval & { readonly step: number })[];
}

export interface Figure {
  /** A file's name as well. */
  readonly id: string;
  readonly title: string;
  readonly y: string;
  /** What is counted from left to right, and its least; steps from 0 when absent. */
  readonly x?: { readonly name: string; readonly from: number };
  readonly series: readonly Series[];
}

export const armNames: Readonly<Record<string, string>> = {
  star: "*",
  class: "class",
  caption: "caption",
  stars: "* × n",
  "class, clicked": "class, clicked",
};
const nameOf = (arm: Arm): string => armNames[arm] ?? arm.replace("stars", "* ×");

/** Of a band at one step: far more than a line's width needs. */
const resamples = 1_000;
const trainingBins = 20;

/** A bank's loss at every look. */
export const bankSeries = (
  results: readonly RunResult[],
  variant: string,
  arms: readonly Arm[],
  measure: Measure,
): Series[] =>
  seriesOf(results, variant, arms, ({ points }) =>
    points.map((point) => ({ step: point.step, value: point[measure] })),
  );

/** The losses of the steps themselves, means of twentieths of the run: one step's is its noise more than its rows. */
export const trainingSeries = (results: readonly RunResult[], variant: string, arms: readonly Arm[]): Series[] =>
  seriesOf(results, variant, arms, ({ training }) => {
    const size = Math.max(1, Math.ceil(training.length / trainingBins));
    return Array.from({ length: Math.ceil(training.length / size) }, (_, i) => {
      const bin = training.slice(i * size, (i + 1) * size);
      return { step: i * size + bin.length / 2, value: bin.reduce((sum, x) => sum + x, 0) / bin.length };
    });
  });

function seriesOf(
  results: readonly RunResult[],
  variant: string,
  arms: readonly Arm[],
  valuesOf: (result: RunResult) => readonly { readonly step: number; readonly value: number }[],
): Series[] {
  return arms.flatMap((arm) => {
    const first = results.find(({ run }) => run.variant === variant && run.arm === arm);
    if (!first) return [];
    const points = valuesOf(first).map(({ step }, i) => {
      const values = perThing(results, { variant, arm }, (result) => valuesOf(result)[i]?.value as number);
      return { step, ...bootstrapInterval([...values.values()], { resamples }) };
    });
    return [{ name: nameOf(arm), points }];
  });
}

export const size = { width: 720, height: 380, left: 72, right: 24, top: 48, bottom: 52 };
export const style = { size: 14, weight: 400, colour: "var(--quiet)" } as const;
/** The same arm in the same colour in every figure; the clicked class has that of `* × n`, which it never stands beside. */
const colourOf = (name: string): string => {
  const i = Object.values(armNames).indexOf(name === "class, clicked" ? "* × n" : name);
  const counted = i === -1 ? Math.log2(Number(name.replace(/\D/g, ""))) : i;
  return markOf(counted);
};
export const markOf = (i: number): string => `var(--mark${(Math.floor(i) % theme.marks.length) + 1})`;

/** A drawn figure: what the page shows and what becomes a PNG. */
export interface Chart {
  readonly id: string;
  readonly title: string;
  /** Its colours are the page's variables. */
  readonly svg: string;
}

/** A line chart with bands. */
export function lineChart({ id, title, y: label, x: across = { name: "step", from: 0 }, series }: Figure): Chart {
  const points = series.flatMap((one) => one.points);
  const x = scaleLinear(
    [across.from, Math.max(1, ...points.map(({ step }) => step))],
    [size.left, size.width - size.right],
  );
  const range = rangeOf(points);
  const y = scaleLinear(range, [size.height - size.bottom, size.top]).nice(5);
  const legend = series.map(({ name, colour = colourOf(name) }) => ({ name, colour }));
  const drawn = series.map((one, i) => drawSeries(one, (legend[i] as (typeof legend)[number]).colour, x, y));
  const body = [drawAxes(x, y, { x: across.name, y: label }), ...drawn, drawLegend(legend)];
  return { id, title, svg: chartSvg(title, body) };
}

/** From the least to the greatest of intervals; wide enough to draw where all are one value. */
export function rangeOf(intervals: readonly Pick<Interval, "low" | "high">[]): [low: number, high: number] {
  const low = Math.min(...intervals.map((one) => one.low));
  const high = Math.max(...intervals.map((one) => one.high));
  const half = 0.05;
  return high > low ? [low, high] : [low - half, high + half];
}

export function chartSvg(title: string, body: readonly string[]): string {
  const name = title.replaceAll(/[<>&"]/g, "");
  return `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${name}">${body.join("")}</svg>`;
}

/** The same in the light colours → PNG. */
export function chartPng({ svg }: Chart): Promise<Uint8Array> {
  const light: Readonly<Record<string, string>> = { quiet: theme.quiet, line: theme.line, paper: theme.paper };
  const body = svg.replaceAll(/var\(--(\w+)\)/g, (_, name: string) => {
    return light[name] ?? (theme.marks[Number(name.replace("mark", "")) - 1] as string);
  });
  return rasterise(size.width, size.height, body, theme.paper);
}

export type Scale = ReturnType<typeof scaleLinear<number, number>>;

function drawSeries({ points }: Series, colour: string, x: Scale, y: Scale): string {
  type Point = Series["points"][number];
  const band = area<Point>()
    .x(({ step }) => x(step))
    .y0(({ low }) => y(low))
    .y1(({ high }) => y(high))([...points]);
  const middle = line<Point>()
    .x(({ step }) => x(step))
    .y(({ mean }) => y(mean))([...points]);
  return (
    `<path d="${band}" fill="${colour}" fill-opacity="0.14"/>` +
    `<path d="${middle}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-linejoin="round"/>`
  );
}

export function drawAxes(x: Scale, y: Scale, names: { readonly x: string; readonly y: string }): string {
  const right = size.width - size.right;
  const bottom = size.height - size.bottom;
  const yTicks = y.ticks(5).map((value) => {
    const at = Math.round(y(value)) + 0.5;
    const text = drawText(y.tickFormat(5)(value), size.left - 8, at + 5, style, "end");
    return `<path d="M${size.left} ${at}H${right}" stroke="var(--line)"/>${text}`;
  });
  const format = x.tickFormat(8);
  const isCount = (x.domain()[1] as number) >= 2;
  const xTicks = x
    .ticks(8)
    .filter((value) => !isCount || Number.isInteger(value))
    .map((value) => drawText(isCount ? String(value) : format(value), x(value), bottom + 20, style, "middle"));
  const labels = drawText(names.y, 8, 20, style) + drawText(names.x, right, bottom + 42, style, "end");
  return [...yTicks, ...xTicks, labels].join("");
}

export function drawLegend(entries: readonly { readonly name: string; readonly colour: string }[]): string {
  let pen = size.width - size.right;
  let drawn = "";
  for (const { name, colour } of entries.toReversed()) {
    drawn += drawText(name, pen, 20, style, "end");
    pen -= measureText(name, style) + 8;
    drawn += `<path d="M${pen - 20} 15H${pen}" stroke="${colour}" stroke-width="3" stroke-linecap="round"/>`;
    pen -= 40;
  }
  return drawn;
}

import { scaleLinear } from "d3-scale";
import { curveLinear, curveMonotoneX, line } from "d3-shape";
import type { LossPoint } from "../../shared/concept.ts";
import { rasterise } from "./canvas.ts";
import { drawHeading, type Heading, headingHeight } from "./grid.ts";
import { drawText, measureText } from "./text.ts";
import { theme } from "./theme.ts";

const chart = { width: 960, plotHeight: 420, left: 76, right: 40, bottom: 62 };
const tickStyle = { ...theme.caption, size: 16, colour: theme.quiet };
const labelStyle = { ...theme.label, colour: theme.ink };

/** Loss over steps: each step's own, faint, for it jumps with its noise; its running mean; and the loss on the fixed bank,
 * whose lowest point is the step that was kept → PNG. */
export async function lossChart(input: Heading & { readonly points: readonly LossPoint[] }): Promise<Uint8Array> {
  const points = input.points.filter(({ loss }) => Number.isFinite(loss)).toSorted((a, b) => a.step - b.step);
  const top = theme.margin + headingHeight(input) + 28;
  const height = Math.ceil(top + chart.plotHeight + chart.bottom);
  const right = chart.width - chart.right;
  const banks = points.filter((point): point is LossPoint & { bank: number } => Number.isFinite(point.bank));
  const x = scaleLinear([points[0]?.step ?? 0, Math.max(1, points.at(-1)?.step ?? 1)], [chart.left, right]);
  const y = scaleLinear(rangeOf([...points.map(({ loss }) => loss), ...banks.map(({ bank }) => bank)]), [
    top + chart.plotHeight,
    top,
  ]).nice(5);
  const curve = (values: readonly (readonly [number, number])[], style: string, shape = curveLinear) => {
    const path = line<readonly [number, number]>(
      ([step]) => x(step),
      ([, loss]) => y(loss),
    ).curve(shape)(values);
    return path ? `<path d="${path}" fill="none" stroke-linejoin="round" stroke-linecap="round" ${style}/>` : "";
  };
  const own = points.map(({ step, loss }) => [step, loss] as const);
  const bank = banks.map(({ step, bank }) => [step, bank] as const);
  const body = [
    drawHeading(input, theme.margin, theme.margin, chart.width - 2 * theme.margin),
    drawAxes(x, y, top, right),
    curve(own, `stroke="${theme.quiet}" stroke-opacity="0.35" stroke-width="1.5"`),
    curve(runningMean(own), `stroke="${theme.ink}" stroke-width="2.5"`),
    curve(bank, `stroke="${theme.accent}" stroke-width="4"`, curveMonotoneX),
    drawBest(bank, x, y, right),
    drawLegend(bank.length > 0, right, top - 16),
  ];
  return await rasterise(chart.width, height, body.join(""), theme.paper);
}

/** Lowest to highest, widened where all are equal; 0 to 1 without values. */
function rangeOf(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low === high ? [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1] : [low, high];
}

/** Exponential mean over about a tenth of the steps, unbiased at its start (as Adam corrects its moments). */
function runningMean(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const keep = 1 - 1 / Math.max(1, Math.min(25, points.length / 10));
  let [sum, weight] = [0, 0];
  return points.map(([step, loss]) => {
    sum = keep * sum + (1 - keep) * loss;
    weight = keep * weight + (1 - keep);
    return [step, sum / weight] as const;
  });
}

type Scale = ReturnType<typeof scaleLinear<number, number>>;

function drawAxes(x: Scale, y: Scale, top: number, right: number): string {
  const bottom = top + chart.plotHeight;
  const yTicks = y.ticks(5).map((value) => {
    const at = Math.round(y(value)) + 0.5;
    return (
      `<path d="M${chart.left} ${at}H${right}" stroke="${theme.line}"/>` +
      drawText(y.tickFormat(5)(value), chart.left - 12, at + tickStyle.size * 0.36, tickStyle, "end")
    );
  });
  const xTicks = x
    .ticks(8)
    .filter(Number.isInteger)
    .map((value) => drawText(String(value), x(value), bottom + 26, tickStyle, "middle"));
  const baseline = `<path d="M${chart.left} ${bottom + 0.5}H${right}" stroke="${theme.quiet}"/>`;
  return [...yTicks, baseline, ...xTicks, drawText("step", right, bottom + 48, tickStyle, "end")].join("");
}

/** The bank's lowest point and its value. */
function drawBest(bank: readonly (readonly [number, number])[], x: Scale, y: Scale, right: number): string {
  const [first, ...others] = bank;
  if (!first || others.length === 0) return "";
  const [step, loss] = others.reduce((best, point) => (point[1] < best[1] ? point : best), first);
  const text = `best: ${loss.toPrecision(3)} at step ${step}`;
  const half = measureText(text, labelStyle) / 2;
  const middle = Math.min(Math.max(x(step), chart.left + half + 8), right - half);
  return (
    `<circle cx="${x(step)}" cy="${y(loss)}" r="7" fill="${theme.accent}" stroke="${theme.paper}" stroke-width="3"/>` +
    drawText(text, middle, y(loss) - 18, { ...labelStyle, colour: theme.accent, halo: theme.paper }, "middle")
  );
}

function drawLegend(hasBank: boolean, right: number, baseline: number): string {
  const entries = [
    ...(hasBank ? [["fixed bank", theme.accent, 4] as const] : []),
    ["running mean", theme.ink, 2.5] as const,
    ["each step", `${theme.quiet}59`, 1.5] as const,
  ];
  let pen = right;
  let drawn = "";
  for (const [text, colour, lineWidth] of entries.toReversed()) {
    drawn += drawText(text, pen, baseline, tickStyle, "end");
    pen -= measureText(text, tickStyle) + 10;
    drawn += `<path d="M${pen - 26} ${baseline - 5.5}H${pen}" stroke="${colour}" stroke-width="${lineWidth}" stroke-linecap="round"/>`;
    pen -= 26 + 26;
  }
  return drawn;
}

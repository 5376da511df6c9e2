import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { drawText } from "../../functions/drawing/text.ts";
import { type Chart, chartSvg, drawAxes, drawLegend, type Figure, markOf, rangeOf, size, style } from "./figures.ts";
import type { JudgedRow } from "./judged-findings.ts";

const xLabel = "prompt followed";
const yLabel = "identity (likeness)";

/** Pixels right of the greatest point: the paths end where every prompt is followed, and their labels need room. */
const labelRoom = 48;

/** Paths of the chart in order of their colours. */
const paths = [
  { name: "paper", pick: ({ variant, strength }: JudgedRow) => variant === "paper" && strength === 1 },
  { name: "product", pick: ({ variant, strength }: JudgedRow) => variant === "product" && strength === 1 },
  // The slider runs from what was learned, whose strength is 1.
  {
    name: "product, slider",
    pick: ({ variant, step, strength }: JudgedRow, last: number) =>
      variant === "product" && step === last && strength > 0,
  },
];

/** Identity against prompt following, along steps and along the slider: up and to the right is better. Each point is a mean over
 * pictures, its cross their 95 % intervals. */
export function frontierChart(rows: readonly JudgedRow[]): Chart {
  const captions = rows.filter(({ arm }) => arm === "caption");
  const last = Math.max(...captions.map(({ step }) => step));
  const drawn = paths.map(({ name, pick }, i) => ({
    name,
    colour: markOf(i),
    rows: captions
      .filter((row) => pick(row, last))
      .toSorted((a, b) => (name.endsWith("slider") ? a.strength - b.strength : a.step - b.step)),
  }));
  const all = drawn.flatMap((path) => path.rows.map(({ measures }) => measures));
  const scale = (measure: "followed" | "identity", range: [number, number]) =>
    scaleLinear(rangeOf(all.map((one) => one[measure])), range).nice(5);
  const x = scale("followed", [size.left, size.width - size.right - labelRoom]);
  const y = scale("identity", [size.height - size.bottom, size.top]);
  const at = ({ measures: { followed, identity } }: JudgedRow) => ({ left: x(followed.mean), top: y(identity.mean) });
  const write = labelWriter(drawn.map(({ rows: own }) => own.map(at)));
  const body = drawn.flatMap(({ name, colour, rows: own }) => {
    const path = line<JudgedRow>(
      (row) => at(row).left,
      (row) => at(row).top,
    )([...own]);
    const slider = name.endsWith("slider");
    // The last steps are where it is told apart: they are labelled first.
    const dots = own.toReversed().flatMap((row) => {
      const { left, top } = at(row);
      const { followed, identity } = row.measures;
      const cross = `M${x(followed.low)} ${top}H${x(followed.high)}M${left} ${y(identity.low)}V${y(identity.high)}`;
      const label = slider ? (row.strength === 1 ? "" : `× ${row.strength}`) : String(row.step);
      return [
        `<path d="${cross}" stroke="${colour}" stroke-opacity="0.25"/>`,
        `<circle cx="${left}" cy="${top}" r="4" fill="${colour}" stroke="var(--paper)" stroke-width="1.5"/>`,
        label && write(label, left, top),
      ];
    });
    const dash = slider ? ' stroke-dasharray="5 4"' : "";
    return [`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`, ...dots];
  });
  const title = "Identity against prompt following; labels are steps, and strengths of the slider";
  return {
    ...{ id: "frontier", title },
    svg: chartSvg(title, [drawAxes(x, y, { x: xLabel, y: yLabel }), ...body, drawLegend(drawn)]),
  };
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Point {
  readonly left: number;
  readonly top: number;
}

/** Writes labels beside their points, each on the side where it covers no point, no path and no earlier one; without room it is
 * left out. */
function labelWriter(paths: readonly (readonly Point[])[]) {
  const around = ({ left, top }: Point, by: number): Box => ({
    left: left - by,
    right: left + by,
    top: top - by,
    bottom: top + by,
  });
  const taken = paths.flatMap((points) => [
    ...points.map((point) => around(point, 5)),
    ...points.slice(1).flatMap((to, i) => between(points[i] as Point, to).map((point) => around(point, 1))),
  ]);
  return (label: string, left: number, top: number): string => {
    const width = 6.5 * label.length;
    const free = [6, -6 - width, -width / 2]
      .flatMap((across) => [-7, 16, 4].map((down) => ({ left: left + across, line: top + down })))
      .map(({ left: from, line }) => ({ left: from, right: from + width, top: line - 9, bottom: line + 1 }))
      .find((box) => box.right <= size.width - size.right && taken.every((other) => areApart(box, other)));
    if (!free) return "";
    taken.push(free);
    return drawText(label, free.left, free.bottom - 1, { ...style, size: 11 }, "start");
  };
}

/** Points on a line, at most 4 pixels apart. */
function between(from: Point, to: Point): readonly Point[] {
  const count = Math.ceil(Math.hypot(to.left - from.left, to.top - from.top) / 4);
  return Array.from({ length: count }, (_, i) => ({
    left: from.left + ((to.left - from.left) * i) / count,
    top: from.top + ((to.top - from.top) * i) / count,
  }));
}

const areApart = (one: Box, two: Box): boolean =>
  one.left > two.right || one.right < two.left || one.top > two.bottom || one.bottom < two.top;

/** Figures 4, 5, 7 and 8 by the judge's features, which need no weights from elsewhere: identity over steps, by initialiser. */
export function identityFigure(rows: readonly JudgedRow[], names: Readonly<Record<string, string>>): Figure {
  const paper = rows.filter(({ variant, strength }) => variant === "paper" && strength === 1);
  const series = [...Map.groupBy(paper, ({ arm }) => arm)].map(([arm, own]) => ({
    name: names[arm] ?? arm,
    points: own.map(({ step, measures }) => ({ step, ...measures.identity })),
  }));
  const title = "In place of figures 4, 5, 7 and 8: likeness of what is drawn to the thing elsewhere, judge's features";
  return { id: "identity", title, y: "likeness", series };
}

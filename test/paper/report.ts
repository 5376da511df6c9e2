import { theme } from "../../functions/drawing/theme.ts";
import type { Interval } from "../../functions/metrics/bootstrap-interval.ts";
import type { StartRow } from "./confound-findings.ts";
import { armNames, type Chart } from "./figures.ts";
import type { Catching, Ordering, VariantRow } from "./findings.ts";
import { type JudgedClaim, type JudgedMeasure, type JudgedRow, judgedMeasures, nameOf } from "./judged-findings.ts";
import type { DrawnDistance } from "./measure-drawn.ts";

/** A row of table A.1 and A.2: the picture with its mask, its words, and what each arm draws at the end; pictures are PNG, base64. */
export interface ThingRow {
  readonly name: string;
  readonly masked: string;
  readonly caption: string;
  readonly className: string;
  readonly drawn: readonly { readonly arm: string; readonly picture: string }[];
}

/** All that a report shows. */
export interface Report {
  readonly facts: Readonly<Record<string, string | number>>;
  readonly figures: readonly Chart[];
  readonly judged: readonly JudgedRow[];
  /** The same measures of true pictures of the things, as far as those have them; 0–1. */
  readonly ceiling: Readonly<Partial<Record<JudgedMeasure, number>>>;
  readonly claims: readonly (readonly [title: string, claims: readonly JudgedClaim[]])[];
  readonly orderings: readonly (readonly [setting: string, orderings: readonly Ordering[]])[];
  readonly starts: readonly StartRow[];
  readonly catching: readonly Catching[];
  readonly distances: readonly DrawnDistance[];
  readonly variants: readonly VariantRow[];
  readonly things: readonly ThingRow[];
  /** What this run of the command did not measure, and why. */
  readonly missing: readonly string[];
}

const escapes: Readonly<Record<string, string>> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" };
const escapeHtml = (text: string): string => text.replaceAll(/[<>&"]/g, (letter) => escapes[letter] as string);
const number = (value: number): string => value.toFixed(4);
const signed = ({ mean, low, high }: Interval): string => `${number(mean)} [${number(low)},\u00a0${number(high)}]`;

/** One page that needs nothing else: pictures, figures and style are in it. */
export function reportHtml(report: Report): string {
  const { facts, figures, orderings, things, missing } = report;
  const [about, caveats] = [Object.entries(facts).map(([name, value]) => [name, String(value)]), list(missing)];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Supreme initialisation, measured</title><style>${css}</style></head><body><main>
<h1>Supreme initialisation, measured</h1>
<p>Every loss is the mean squared error of the predicted noise. Bands and brackets are 95 % bootstrap intervals over pictures,
each the mean of its seeds. What a small model shows is not shown to transfer to large ones.</p>
${table(["", ""], about)}
${report.claims.map(([title, claims]) => `<h2>${escapeHtml(title)}</h2>${claimTable(claims)}`).join("\n")}
${orderings.map(([setting, list]) => `<h2>Orderings: ${escapeHtml(setting)}</h2>${orderingTable(list)}`).join("\n")}
${report.starts.length > 0 ? `<h2>What a start is worth, and what is learned from it</h2>${startTable(report.starts)}` : ""}
${report.catching.length > 0 ? `<h2>Steps to catch up</h2>${catchingTable(report.catching)}` : ""}
${figures.map(({ title, svg }) => `<figure><figcaption>${escapeHtml(title)}</figcaption>${svg}</figure>`).join("\n")}
${report.judged.length > 0 ? `<h2>What the judge sees</h2>${judgedTable(report)}` : ""}
${report.variants.length > 0 ? `<h2>Every improvement, alone and jointly</h2>${variantTable(report.variants)}` : ""}
${things.length > 0 ? `<h2>Table A.1 and figure A.2: pictures, words, and what is drawn at the end</h2><div class="wide">${thingTable(things)}</div>` : ""}
${report.distances.length > 0 ? `<h2>What is drawn, beside the picture</h2>${distanceTable(report.distances)}` : ""}
<h2>Not measured here</h2>${caveats}
</main></body></html>
`;
}

const list = (items: readonly string[]): string =>
  `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`;

/** Cells are text; a header cell may be empty. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  const head = header.some((cell) => cell !== "") ? `<thead>${row(header, "th")}</thead>` : "";
  return `<div class="wide"><table>${head}<tbody>${rows.map((cells) => row(cells, "td")).join("")}</tbody></table></div>`;
}

const orderingTable = (orderings: readonly Ordering[]): string =>
  table(
    ["claim", "bank", "difference (positive: in favour)", "pictures", "verdict"],
    orderings.map(({ claim, measure, difference, wins, of, verdict }) => [
      ...[claim, measure, signed(difference), `${wins} of ${of}`, verdict],
    ]),
  );

const startTable = (starts: readonly StartRow[]): string =>
  table(
    ["start", "counterfactual loss before learning", "after", "learned"],
    starts.map(({ arm, before, after }) => [
      ...[armNames[arm] ?? arm, number(before), number(after), number(before - after)],
    ]),
  );

const stepText = (step: number): string => (Number.isFinite(step) ? step.toFixed(0) : "not reached");

const catchingTable = (all: readonly Catching[]): string =>
  table(
    [
      "setting of the caption",
      "reaches the counterfactual loss of",
      "pictures there at step 0",
      "never",
      "median step of the rest (95 %)",
    ],
    all.map(({ variant, target, steps, atStart, never, rest }) => [
      variant,
      `${target === "star" ? "*" : "* × n"} at step ${steps}`,
      ...[String(atStart), String(never)],
      rest ? `${stepText(rest.median)} (${stepText(rest.low)}–${stepText(rest.high)})` : "–",
    ]),
  );

const claimTable = (claims: readonly JudgedClaim[]): string =>
  table(
    ["claim", "difference", "goal", "pictures", "verdict"],
    claims.map(({ claim, goal, difference, pictures, verdict }) => [
      ...[claim, signed(difference), goal, String(pictures), verdict],
    ]),
  );

const judgedTable = ({ judged, ceiling }: Pick<Report, "judged" | "ceiling">): string =>
  table(
    ["setting", "initialiser", "step", "slider", "seconds", "pictures", ...judgedMeasures.map((name) => nameOf[name])],
    [
      ...judged.map(({ variant, arm, step, strength, seconds, pictures, measures }) => [
        ...[variant, armNames[arm] ?? arm, String(step), String(strength), seconds.toFixed(1), String(pictures)],
        ...judgedMeasures.map((name) => share(measures[name])),
      ]),
      [
        ...["true pictures", "", "", "", "", ""],
        ...judgedMeasures.map((name) => (ceiling[name] === undefined ? "–" : ceiling[name].toFixed(3))),
      ],
    ],
  );
const share = ({ mean, low, high }: Interval): string =>
  `${mean.toFixed(3)} [${low.toFixed(3)},\u00a0${high.toFixed(3)}]`;

const distanceTable = (distances: readonly DrawnDistance[]): string =>
  table(
    ["metric", "initialiser", "distance"],
    distances.map(({ metric, arm, distance }) => [metric, armNames[arm] ?? arm, signed(distance)]),
  );

const variantTable = (rows: readonly VariantRow[]): string =>
  table(
    [
      "setting",
      "reporting bank",
      "gain over the paper's",
      "verdict",
      "counterfactual gain",
      "verdict",
      "norm ÷ start",
      "cosine",
    ],
    rows.map(({ variant, report, gain, normRatio, cosine }) => [
      ...[variant, signed(report), signed(gain.report.difference), gain.report.verdict],
      ...[signed(gain.counterfactual.difference), gain.counterfactual.verdict, normRatio.toFixed(2), cosine.toFixed(2)],
    ]),
  );

function thingTable(things: readonly ThingRow[]): string {
  const image = (data: string, alt: string) => `<img alt="${escapeHtml(alt)}" src="data:image/png;base64,${data}">`;
  const arms = things[0]?.drawn.map(({ arm }) => arm) ?? [];
  const head = ["picture, mask", "caption", "class", ...arms].map((name) => `<th>${escapeHtml(name)}</th>`).join("");
  const rows = things.map(({ name, masked, caption, className, drawn }) => {
    const pictures = drawn.map(({ arm, picture }) => `<td>${image(picture, `${name}, learned from ${arm}`)}</td>`);
    return `<tr><td>${image(masked, name)}</td><td>${escapeHtml(caption)}</td><td>${escapeHtml(className)}</td>${pictures.join("")}</tr>`;
  });
  return `<table class="pictures"><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

const light = theme.marks.map((colour, i) => `--mark${i + 1}:${colour}`).join(";");
const css = `
:root{color-scheme:light dark;--paper:${theme.paper};--ink:${theme.ink};--quiet:${theme.quiet};--line:${theme.line};${light}}
@media (prefers-color-scheme:dark){:root{--paper:#17151e;--ink:#f1eff6;--quiet:#a9a4b8;--line:#35313f;--mark1:#a48fff;--mark2:#ff9457;--mark3:#45cfca;--mark4:#ff79a8}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:auto;padding:2rem 1rem}
h2{margin-top:3rem}
figure{margin:2rem 0}figcaption{font-weight:600}svg{width:100%;height:auto}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:.35rem .75rem;border-bottom:1px solid var(--line);font-size:.9rem}
img{display:block;width:96px;height:96px;object-fit:contain;image-rendering:auto;border-radius:6px}
`;

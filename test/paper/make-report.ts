import { maskOverlay } from "../../functions/drawing/mask-overlay.ts";
import { findConfounds, findStarts } from "./confound-findings.ts";
import { armNames, bankSeries, type Figure, lineChart, markOf, type Series, trainingSeries } from "./figures.ts";
import { findCatching, findOrderings, findVariants } from "./findings.ts";
import { frontierChart, identityFigure } from "./frontier.ts";
import { findJudged, findJudgedClaims, type JudgedRow } from "./judged-findings.ts";
import { findPictureClaims, pictureFigures } from "./picture-findings.ts";
import { type Arm, productSteps, productVariant } from "./plan.ts";
import type { Report, ThingRow } from "./report.ts";
import type { Control } from "./run-all.ts";
import type { JudgedResult, RunResult } from "./store.ts";
import type { Thing } from "./things.ts";

export interface Made {
  readonly things: readonly Thing[];
  readonly results: readonly RunResult[];
  readonly judged: readonly JudgedResult[];
  /** What the judge makes of true pictures of the things. */
  readonly ceiling: Report["ceiling"];
  readonly controls: readonly Control[];
  readonly facts: Report["facts"];
  readonly distances: Report["distances"];
  readonly missing: readonly string[];
}

const figure3: readonly Arm[] = ["star", "class", "class, clicked", "caption"];
const figure6: readonly Arm[] = ["star", "stars", "caption"];
/** Whose caption catches up, and the setting of what it catches up with. */
const catchers = [
  ["paper", "paper"],
  [productVariant, "paper"],
  ["paper, long", "paper, long"],
  [productVariant, "paper, long"],
] as const;
const counts: readonly Arm[] = ["star", "stars 2", "stars 4", "stars 8"];

/** Runs → everything the page shows. */
export async function makeReport(made: Made): Promise<Report> {
  const { things, results, judged, ceiling, controls, facts, distances, missing } = made;
  const variantsOf = new Set(results.map(({ run }) => run.variant));
  const settings = ["paper", "paper, relative rate"].filter((name) => variantsOf.has(name));
  const caught = catchers.flatMap(([setting, variant]) =>
    (["star", "stars"] as const).flatMap((arm) => findCatching(results, setting, { variant, arm }) ?? []),
  );
  const seen = findJudged(judged);
  return {
    facts,
    missing,
    distances,
    figures: [...judgedCharts(judged, seen), ...[...pictureFigures(judged), ...figuresOf(results)].map(lineChart)],
    judged: seen,
    ceiling,
    claims: [
      ["The product against the paper's setting", findJudgedClaims(judged, seen)] as const,
      ["One picture or several", findPictureClaims(judged)] as const,
    ].filter(([, claims]) => claims.length > 0),
    orderings: [
      ...settings.map((name) => [name, findOrderings(results, name === "paper" ? controls : [], name)] as const),
      ...kindsOf(things).map(([kind, names]) => {
        const own = results.filter(({ run }) => names.has(run.thing));
        const title = `paper, ${kind} that the model has not seen (${names.size} pictures)`;
        return [
          title,
          findOrderings(
            own,
            controls.filter(({ thing }) => names.has(thing)),
          ),
        ] as const;
      }),
      ["confounds, after 100 steps from one picture each", findConfounds(results)] as const,
    ].filter(([, list]) => list.length > 0),
    starts: findStarts(results),
    catching: caught,
    variants: findVariants(results, "paper, 100 steps"),
    things: await Promise.all(things.map((thing) => thingRow(thing, results))),
  };
}

/** Where captions can be right and where they cannot, apart; a kind of fewer than two pictures has no interval. */
const kindsOf = (things: readonly Thing[]): (readonly [kind: string, names: ReadonlySet<string>])[] =>
  [...Map.groupBy(things, ({ kind }) => kind)]
    .filter(([, own]) => own.length > 1)
    .map(([kind, own]) => [kind, new Set(own.map(({ name }) => name))] as const);

/** The figure by initialiser is of the things that every initialiser was judged on. */
function judgedCharts(judged: readonly JudgedResult[], seen: readonly JudgedRow[]): Report["figures"] {
  if (judged.length === 0) return [];
  const withClass = new Set(judged.filter(({ run }) => run.arm === "class").map(({ run }) => run.thing));
  const shared = findJudged(judged.filter(({ run }) => withClass.has(run.thing) && run.seed === 0));
  const figure = identityFigure(shared, armNames);
  if (withClass.size === 0) return [frontierChart(seen)];
  return [frontierChart(seen), lineChart({ ...figure, title: `${figure.title} (${withClass.size} pictures)` })];
}

function figuresOf(results: readonly RunResult[]): readonly Figure[] {
  const bank = (id: string, title: string, arms: readonly Arm[], variant = "paper"): Figure[] => [
    {
      id: `${id}-report`,
      title: `${title}: reporting bank`,
      y: "ε-MSE",
      series: bankSeries(results, variant, arms, "report"),
    },
    {
      id: `${id}-counterfactual`,
      title: `${title}: the same thing in scenes never shown`,
      y: "ε-MSE",
      series: bankSeries(results, variant, arms, "counterfactual"),
    },
  ];
  const training = (id: string, title: string, arms: readonly Arm[]): Figure => ({
    ...{ id: `${id}-training`, title: `${title}: training loss`, y: "ε-MSE" },
    series: trainingSeries(results, "paper", arms),
  });
  return [
    training("figure-3", "Figure 3, initialisers", figure3),
    ...bank("figure-3", "Figure 3, initialisers", figure3),
    training("figure-6", "Figure 6, * × n", figure6),
    ...bank("figure-6", "Figure 6, * × n", figure6),
    ...bank("figure-6-counts", "How many *", counts),
    catchingFigure(results),
    ...bank("figure-3-rate", "Figure 3 at the relative rate", figure3, "paper, relative rate"),
    ...bank("figure-3-long", "Long runs", figure6, "paper, long"),
  ].filter(({ series }) => series.length > 1);
}

/** What converges faster: the caption in the product's setting beside both of the paper's, as far as the product goes. */
function catchingFigure(results: readonly RunResult[]): Figure {
  const of = (variant: string, arm: Arm, name: string): Series[] =>
    bankSeries(results, variant, [arm], "counterfactual").map(({ points }) => ({
      name,
      points: points.filter(({ step }) => step <= productSteps),
    }));
  const series = [
    ...[...of("paper", "star", "*, paper"), ...of("paper", "caption", "caption, paper")],
    ...of(productVariant, "caption", "caption, product"),
  ].map((one, i) => ({ ...one, colour: markOf(i) }));
  return {
    ...{ id: "figure-3-product", title: "What converges faster, in scenes never shown", y: "ε-MSE" },
    series: series.length === 3 ? series : [],
  };
}

async function thingRow(
  { name, picture, mask, click: [x, y], words }: Thing,
  results: readonly RunResult[],
): Promise<ThingRow> {
  const own = results.filter(({ run }) => run.thing === name && run.variant === "paper");
  const drawn = own.flatMap(({ run, picture: made }) =>
    made === undefined ? [] : [{ arm: armNames[run.arm] ?? run.arm, picture: made }],
  );
  const masked = await maskOverlay({ picture, mask, click: { x, y } });
  return { name, ...words, masked: Buffer.from(masked).toString("base64"), drawn };
}

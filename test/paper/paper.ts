import { join } from "node:path";
import { openPictureMetrics } from "../../functions/metrics/picture-metrics.ts";
import type { Hub } from "../../functions/models/hub.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import { openGallery, openHeldOut } from "../check-model/gallery.ts";
import { openJudges } from "../check-model/judges.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { chartPng } from "./figures.ts";
import { judgedCost } from "./judge-run.ts";
import { makeReport } from "./make-report.ts";
import { measureDrawn } from "./measure-drawn.ts";
import { type Part, parts, planJudged, planRuns, type Run } from "./plan.ts";
import { reportHtml } from "./report.ts";
import { lossCost } from "./run.ts";
import { judgeAll, runAll } from "./run-all.ts";
import { starPercentile } from "./starts.ts";
import { JudgedResult, openRunStore, RunResult } from "./store.ts";
import { describeLocally, openThings } from "./things.ts";

/** Engine processes of one thread each: on small models they beat one process of as many threads. */
const processes = 2;

export interface PaperOptions {
  readonly model?: string;
  readonly parts: ReadonlySet<Part>;
  /** Held-out things whose losses are measured, and those that judges look at; the paper's own come first. */
  readonly pictures: number;
  readonly judgedPictures: number;
  readonly seeds: number;
  readonly judgedSeeds?: number | undefined;
  readonly steps: number;
  /** Where models, and the weights of LPIPS and SIFID, are looked for. */
  readonly hub?: Hub;
  /** Finds words for a thing; the local models when absent. */
  readonly describe?: Parameters<typeof openThings>[2];
  /** Finished runs lie in its `runs` and `judged`. */
  readonly folder: string;
  /** Told how long all runs take, in steps, then of each piece made or found. */
  readonly start: (total: number) => void;
  readonly progress: (steps: number) => void;
}

/** All of it: runs what is not yet in the folder → the page, its figures as PNG, and the findings as JSON. */
export async function paper({
  describe = describeLocally,
  hub = { endpoint: "https://huggingface.co" },
  ...given
}: PaperOptions) {
  const { model: id, parts, pictures, judgedPictures, judgedSeeds, folder, start, progress, ...options } = given;
  const benches = Array.from({ length: processes }, () =>
    openWorkbench({
      ...(id !== undefined && { model: id }),
      ...{ preset: "speed", providers: ["cpu"], threads: 1 },
      hub,
      store: createMemoryStore(),
    }),
  );
  const engine = spawnEngine({ preset: "lean", providers: ["cpu"], threads: 1 });
  const metrics = openPictureMetrics(engine, hub);
  try {
    const [bench] = benches as [(typeof benches)[number]];
    const model = await bench.model();
    const all = await openThings(bench, Math.max(pictures, judgedPictures), describe);
    const things = all.slice(0, pictures);
    const namesOf = (of: typeof all) => of.map(({ name }) => name);
    const plan = planRuns(parts, { ...options, things: namesOf(things) });
    const seen = { things: namesOf(all.slice(0, judgedPictures)), seeds: judgedSeeds ?? options.seeds };
    const judgedPlan = planJudged(parts, { ...options, ...seen });
    const total = (runs: readonly Run[], costOf: (run: Run) => number) =>
      runs.reduce((sum, run) => sum + costOf(run), 0);
    start(total(plan, lossCost) + total(judgedPlan, judgedCost));
    const shared = { benches, things: all, progress };
    const { results, controls } = await runAll({
      ...{ ...shared, things, plan },
      store: openRunStore(join(folder, "runs"), RunResult),
    });
    const judge = openJudges(engine).b;
    const held = await openHeldOut();
    const gallery = await openGallery(judge, held.things);
    const judged = await judgeAll(
      { ...shared, plan: judgedPlan, store: openRunStore(join(folder, "judged"), JudgedResult) },
      { gallery, colours: judge.colours, phrases: held.phrases },
    );
    const places = gallery.learned.map(gallery.place);
    const meanOf = (of: (place: (typeof places)[number]) => number) =>
      places.reduce((sum, place) => sum + of(place), 0) / places.length;
    const facts = {
      model: `${model.id} ${model.hash.slice(0, 12)}`,
      predicts: model.prediction,
      "width of an embedding": model.width,
      "pictures, of which judged": `${all.length}, ${judgedPlan.length > 0 ? judgedPictures : 0}`,
      "rows of known words shorter than that of *": `${Math.round(100 * starPercentile(model))} %`,
      ...{ seeds: options.seeds, "seeds of what is judged": seen.seeds, steps: options.steps },
      runs: results.length + judged.length,
    };
    const report = await makeReport({
      ...{ results, judged, controls, facts },
      things: results.length > 0 ? things : [],
      ceiling: {
        identity: meanOf((place) => place.likeness),
        nearest: meanOf((place) => Number(place.nearest)),
        nearestInFour: meanOf((place) => Number(place.nearestInFour)),
      },
      distances: await measureDrawn(metrics, things, results),
      missing: missing(parts, metrics.length > 0),
    });
    const { things: shown, figures, ...findings } = report;
    const words = shown.map(({ name, caption, className }) => ({ name, caption, className }));
    const runs = results.map(({ picture: _picture, rows: _rows, ...rest }) => rest);
    return {
      html: reportHtml(report),
      json: `${JSON.stringify({ ...findings, words, controls, runs, judgedRuns: judged }, null, 1)}\n`,
      figures: await Promise.all(figures.map(async (chart) => [chart.id, await chartPng(chart)] as const)),
    };
  } finally {
    await Promise.all([...benches.map((bench) => bench.close()), engine.close()]);
  }
}

const ofParts: Readonly<Record<Part, string>> = {
  figures: "Figures 3 and 6.",
  judged: "Prompt following, identity and variety as a judge sees them; the product against the paper's setting.",
  long: "Runs to 3,000 steps.",
  improvements: "The table of improvements.",
  pictures: "Concepts of three and five pictures.",
  counts: "How many * a concept needs.",
  confounds: "Confounds: learning rate, and what a start says or is.",
};

const missing = (wanted: ReadonlySet<Part>, measured: boolean): readonly string[] => [
  ...parts.filter((part) => !wanted.has(part)).map((part) => `${ofParts[part]} Add --only ${part}.`),
  ...(measured ? [] : ["LPIPS and SIFID (figures 4, 5, 7 and 8): the networks' weights are not in the model cache."]),
];

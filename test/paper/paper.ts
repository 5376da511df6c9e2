import { join } from "node:path";
import { openPictureMetrics } from "../../functions/metrics/picture-metrics.ts";
import type { Hub } from "../../functions/models/hub.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { figurePng } from "./figures.ts";
import { makeReport } from "./make-report.ts";
import { measureDrawn } from "./measure-drawn.ts";
import { type PlanOptions, planRuns } from "./plan.ts";
import { reportHtml } from "./report.ts";
import { runAll } from "./run-all.ts";
import { openRunStore } from "./store.ts";
import { describeLocally, openThings } from "./things.ts";

/** Engine processes of one thread each: on small models they beat one process of as many threads. */
const processes = 2;

export interface PaperOptions extends Omit<PlanOptions, "things"> {
  readonly model?: string;
  readonly pictures: number;
  /** Where models, and the weights of LPIPS and SIFID, are looked for. */
  readonly hub?: Hub;
  /** Finds words for a thing; the local models when absent. */
  readonly describe?: Parameters<typeof openThings>[2];
  /** Finished runs lie in its `runs`. */
  readonly folder: string;
  /** Told the number of steps of all runs, then of each step made or found. */
  readonly start: (total: number) => void;
  readonly progress: (steps: number) => void;
}

/** All of it: runs what is not yet in the folder → the page, its figures as PNG, and the findings as JSON. */
export async function paper({
  describe = describeLocally,
  hub = { endpoint: "https://huggingface.co" },
  ...given
}: PaperOptions) {
  const { model: id, pictures, folder, start, progress, ...options } = given;
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
    const things = await openThings(bench, pictures, describe);
    const plan = planRuns({ ...options, things: things.map(({ name }) => name) });
    start(plan.reduce((sum, { steps }) => sum + steps, 0));
    const { results, controls } = await runAll({
      benches,
      things,
      plan,
      store: openRunStore(join(folder, "runs")),
      progress,
    });
    const facts = {
      model: `${model.id} ${model.hash.slice(0, 12)}`,
      predicts: model.prediction,
      "width of an embedding": model.width,
      pictures: things.length,
      ...{ seeds: options.seeds, steps: options.steps, runs: results.length },
    };
    const report = await makeReport({
      things,
      results,
      controls,
      facts,
      distances: await measureDrawn(metrics, things, results),
      missing: missing(options, metrics.length > 0),
    });
    const { things: shown, ...findings } = report;
    const words = shown.map(({ name, caption, className }) => ({ name, caption, className }));
    const runs = results.map(({ picture: _picture, rows: _rows, ...rest }) => rest);
    return {
      html: reportHtml(report),
      json: `${JSON.stringify({ ...findings, words, controls, runs }, null, 1)}\n`,
      figures: await Promise.all(report.figures.map(async (figure) => [figure.id, await figurePng(figure)] as const)),
    };
  } finally {
    await Promise.all([...benches.map((bench) => bench.close()), engine.close()]);
  }
}

const missing = (
  { quick, confounds }: Pick<PlanOptions, "quick" | "confounds">,
  measured: boolean,
): readonly string[] => [
  ...(quick ? ["A quick run: few pictures and seeds, no table of improvements, no long runs."] : []),
  ...(confounds ? [] : ["The learning rate as a confound: add --confounds."]),
  ...(measured ? [] : ["LPIPS and SIFID (figures 4, 5, 7 and 8): the networks' weights are not in the model cache."]),
  "Prompt following, identity and diversity as judges see them; several pictures of one concept.",
];

import type { OpenedModel } from "../../functions/models/open-model.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { shareOut } from "../check-model/check.ts";
import type { Gallery } from "../check-model/gallery.ts";
import { judgedCost, judgeRun } from "./judge-run.ts";
import type { Arm, Run } from "./plan.ts";
import { type Banks, epsilonLoss, learnInput, lossCost, makeBanks, runOnce } from "./run.ts";
import { initialRows } from "./starts.ts";
import { type JudgedResult, keyOf, type RunResult, type RunStore } from "./store.ts";
import type { Thing } from "./things.ts";

/** What a concept of something else loses on a picture: a win over these is of the thing, not of having learned. */
export interface Control {
  readonly thing: string;
  /** The next picture's caption, as it is. */
  readonly otherCaption: number;
  /** The rows learned from the next picture's caption. */
  readonly otherConcept: number;
}

export interface Running<T extends { readonly key: string }> {
  readonly benches: readonly Workbench[];
  readonly things: readonly Thing[];
  readonly plan: readonly Run[];
  readonly store: RunStore<T>;
  /** Told what was done, in steps, and at once of what an earlier call did. */
  readonly progress: (cost: number) => void;
}

/** Every run of the plan, made now or found in the store, in the plan's order. */
async function runEach<T extends { readonly key: string }>(
  { benches, things, plan, store, progress }: Running<T>,
  costOf: (run: Run) => number,
  make: (bench: Workbench, run: Run, thing: Thing, each: (cost: number) => void) => Promise<Omit<T, "key">>,
): Promise<readonly T[]> {
  const named = new Map(things.map((thing) => [thing.name, thing]));
  return shareOut(benches, plan, async (bench, run): Promise<T> => {
    const thing = named.get(run.thing) as Thing;
    const model: OpenedModel = await bench.model();
    const { options, initialiser } = learnInput(model, run, thing);
    const key = keyOf(run, {
      ...{ modelHash: model.hash, thingDigest: thing.digest },
      ...{ options, start: initialiser.text },
    });
    let left = costOf(run);
    const tell = (cost: number) => {
      left -= cost;
      progress(cost);
    };
    const known = store.get(key);
    const result = known ?? ({ key, ...(await make(bench, run, thing, tell)) } as T);
    if (!known) store.put(result);
    // Also what a run left out by stopping early.
    tell(left);
    return result;
  });
}

/** The runs whose losses are measured, and the controls of the captions' among them. */
export async function runAll(running: Running<RunResult>) {
  const { benches, things, plan } = running;
  // Latents made by one process serve them all.
  const banks = new Map<string, Promise<Banks>>();
  const banksOf = async (bench: Workbench, thing: Thing): Promise<Banks> => {
    const known = banks.get(thing.name) ?? bench.model().then((model) => makeBanks(model, thing));
    banks.set(thing.name, known);
    return known;
  };
  const results = await runEach(running, lossCost, async (bench, run, thing, each) =>
    runOnce(bench, { run, thing, banks: await banksOf(bench, thing) }, each),
  );
  const hasCaptions = plan.some((run) => isMain(run, "caption"));
  const controls = await shareOut(benches, hasCaptions ? things : [], async (bench, thing, i): Promise<Control> => {
    const model = await bench.model();
    const other = things[(i + 1) % things.length] as Thing;
    const { report } = await banksOf(bench, thing);
    const learned = results.find(({ run }) => run.thing === other.name && isMain(run, "caption"));
    if (!learned) throw new Error(`paper: the plan has no caption run of ${other.name}`);
    const { rows } = initialRows(model, { arm: "caption", mode: "paper" }, other);
    const kept = tensor(Float32Array.from(learned.rows.data), learned.rows.shape);
    return {
      thing: thing.name,
      otherCaption: await epsilonLoss(model, rows, report),
      otherConcept: await epsilonLoss(model, kept, report),
    };
  });
  return { results, controls };
}

/** The runs whose pictures a judge looks at. */
export const judgeAll = (
  running: Running<JudgedResult>,
  judging: {
    readonly gallery: Gallery;
    readonly colours: readonly string[];
    readonly phrases: Readonly<Record<string, string>>;
  },
): Promise<readonly JudgedResult[]> =>
  runEach(running, judgedCost, (bench, run, thing, each) => judgeRun(bench, { run, thing, ...judging }, each));

/** Of the paper's own setting. */
export const isMain = ({ variant, arm }: Run, wanted: Arm): boolean => variant === "paper" && arm === wanted;

import type { Workbench } from "../../functions/tasks/workbench.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { shareOut } from "../check-model/check.ts";
import type { Arm, Run } from "./plan.ts";
import { type Banks, epsilonLoss, initialRows, makeBanks, runOnce } from "./run.ts";
import { keyOf, type openRunStore, type RunResult } from "./store.ts";
import type { Thing } from "./things.ts";

/** What a concept of something else loses on a picture: a win over these is of the thing, not of having learned. */
export interface Control {
  readonly thing: string;
  /** The next picture's caption, as it is. */
  readonly otherCaption: number;
  /** The rows learned from the next picture's caption. */
  readonly otherConcept: number;
}

export interface Running {
  readonly benches: readonly Workbench[];
  readonly things: readonly Thing[];
  readonly plan: readonly Run[];
  readonly store: ReturnType<typeof openRunStore>;
  /** After each step that was made, and at once for all steps that an earlier call made. */
  readonly progress: (steps: number) => void;
}

/** Every run of the plan, made now or found in the store, in the plan's order; then the controls. */
export async function runAll({ benches, things, plan, store, progress }: Running) {
  const named = new Map(things.map((thing) => [thing.name, thing]));
  // Latents made by one process serve them all.
  const banks = new Map<string, Promise<Banks>>();
  const banksOf = async (bench: Workbench, thing: Thing): Promise<Banks> => {
    const known = banks.get(thing.name) ?? bench.model().then((model) => makeBanks(model, thing));
    banks.set(thing.name, known);
    return known;
  };
  const results = await shareOut(benches, plan, async (bench, run): Promise<RunResult> => {
    const thing = named.get(run.thing) as Thing;
    const key = keyOf(run, (await bench.model()).hash, thing.digest);
    const known = store.get(key);
    if (known) {
      progress(run.steps);
      return known;
    }
    const result = {
      key,
      ...(await runOnce(bench, { run, thing, banks: await banksOf(bench, thing) }, () => progress(1))),
    };
    store.put(result);
    return result;
  });
  const controls = await shareOut(benches, things, async (bench, thing, i): Promise<Control> => {
    const model = await bench.model();
    const other = things[(i + 1) % things.length] as Thing;
    const { report } = await banksOf(bench, thing);
    const learned = results.find(({ run }) => run.thing === other.name && isMain(run, "caption"));
    if (!learned) throw new Error(`paper: the plan has no caption run of ${other.name}`);
    const { rows } = initialRows(model, "caption", other, { mode: "paper" });
    const kept = tensor(Float32Array.from(learned.rows.data), learned.rows.shape);
    return {
      thing: thing.name,
      otherCaption: await epsilonLoss(model, rows, report),
      otherConcept: await epsilonLoss(model, kept, report),
    };
  });
  return { results, controls };
}

/** Of the paper's own setting. */
export const isMain = ({ variant, arm }: Run, wanted: Arm): boolean => variant === "paper" && arm === wanted;

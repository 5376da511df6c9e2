import type { Workbench } from "../../functions/tasks/workbench.ts";
import type { Figure } from "./figure.ts";
import type { openJudges } from "./judges.ts";

/** What a section works with. */
interface CheckTools {
  /** Equal ones, each with its own engine processes; they work side by side. */
  readonly benches: readonly Workbench[];
  readonly judges: () => ReturnType<typeof openJudges>;
  /** Evenly spread, at most as many as asked for: for trying things out. */
  readonly sample: <T>(all: readonly T[]) => readonly Sampled<T>[];
  /** One more piece of work is done. */
  readonly each: () => void;
}

/** An entry of the bank with its place in the bank's sheets. */
interface Sampled<T> {
  readonly fact: T;
  readonly at: number;
}

/** One section of the report. */
export type Check = (tools: CheckTools) => Promise<readonly Figure[]>;

/** Hands the items to the workers, one at a time each; results in the items' order. */
export async function shareOut<W, T, R>(
  workers: readonly W[],
  items: readonly T[],
  work: (worker: W, item: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const drain = async (worker: W) => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(worker, items[i] as T, i);
  };
  await Promise.all(workers.map(drain));
  return results;
}

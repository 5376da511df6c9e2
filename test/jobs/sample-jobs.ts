import { randomUUID } from "node:crypto";
import { createBell } from "../../functions/jobs/bell.ts";
import { type Clock, systemClock } from "../../functions/jobs/clock.ts";
import type { JobRequest } from "../../functions/jobs/job-record.ts";
import { createLedger } from "../../functions/jobs/ledger.ts";
import type { Log } from "../../functions/jobs/log.ts";
import type { WorkerDeps } from "../../functions/jobs/run-job.ts";
import type { TaskRunner } from "../../functions/jobs/runner.ts";
import type { Store } from "../../functions/store/store.ts";
import { UserError } from "../../shared/error.ts";
import { ImagineInput, type JobOutput } from "../../shared/job.ts";

/** Keeps what services report, for tests to read. */
export function createMemoryLog(): Log & { readonly lines: { level: string; message: string; fields: unknown }[] } {
  const lines: { level: string; message: string; fields: unknown }[] = [];
  const at = (level: string) => (message: string, fields?: unknown) => void lines.push({ level, message, fields });
  return { lines, info: at("info"), warn: at("warn"), error: at("error") };
}

let counter = 0;
export const newId = (): string => `n${(counter++).toString().padStart(6, "0")}-${randomUUID().slice(0, 8)}`;

export function imagineRequest(
  id: string,
  changes: Partial<JobRequest> & { readonly prompt?: string } = {},
): JobRequest {
  const { prompt = "<mycat> in space", ...rest } = changes;
  const input = ImagineInput.parse({ task: "imagine", prompt, steps: 30 });
  return { id, input, userId: "11", serverId: "1", createdAt: Date.now(), ...rest };
}

export const pictureOutput = (key: string, seed = 7): JobOutput => ({
  task: "imagine",
  pictures: [{ key, kind: "picture", width: 8, height: 8, alt: "" }],
  concepts: [],
  seed,
  notes: [],
});

export interface Trace {
  /** Steps that ran, over all attempts. */
  readonly steps: number[];
  /** Where each attempt began. */
  readonly begins: number[];
  finished: number;
}

/** A task of `total` steps that adds up step numbers, keeps a checkpoint every ten, and whose result shows whether any step was
 * lost or done twice. `between` runs before each step. */
export function countingTask(
  total: number,
  between: (step: number, attempt: number) => Promise<void> | void = () => {},
): { runTask: TaskRunner; trace: Trace } {
  const trace: Trace = { steps: [], begins: [], finished: 0 };
  const runTask: TaskRunner = async function* (_input, context) {
    let { step, sum } = context.checkpoint
      ? (JSON.parse(new TextDecoder().decode(context.checkpoint)) as { step: number; sum: number })
      : { step: 0, sum: 0 };
    trace.begins.push(step);
    yield { type: "log", text: `attempt ${context.attempt} begins at ${step}` };
    while (step < total) {
      context.signal.throwIfAborted();
      await between(step, context.attempt);
      step++;
      sum += step;
      trace.steps.push(step);
      if (step % 10 === 0) await context.saveCheckpoint(new TextEncoder().encode(JSON.stringify({ step, sum })));
      yield { type: "progress", stage: "learn", step, total, loss: { step, loss: 1 / step } };
    }
    const key = await context.files.write("picture.png", new Uint8Array([1]));
    trace.finished++;
    yield { type: "output", output: pictureOutput(key, sum) };
  };
  return { runTask, trace };
}

/** A task that waits until it is stopped or let go. */
export function waitingTask(): { runTask: TaskRunner; begun: () => Promise<void>; letGo: () => void } {
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let go = () => {};
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  const runTask: TaskRunner = async function* (_input, { signal, files }) {
    begin();
    yield { type: "progress", stage: "draw", step: 0, total: 1 };
    await Promise.race([
      gone,
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    ]);
    yield { type: "output", output: pictureOutput(await files.write("picture.png", new Uint8Array([1]))) };
  };
  return { runTask, begun: () => begun, letGo: go };
}

/** A task that fails `failures` times with `error`, then succeeds. */
export function failingTask(failures: number, error: () => Error = () => new UserError("engine_failed", "no memory")) {
  let attempts = 0;
  const runTask: TaskRunner = async function* (_input, { files }) {
    attempts++;
    if (attempts <= failures) throw error();
    yield { type: "output", output: pictureOutput(await files.write("picture.png", new Uint8Array([1]))) };
  };
  return { runTask, attempts: () => attempts };
}

export function workerDeps(store: Store, runTask: TaskRunner, changes: Partial<WorkerDeps> & { clock?: Clock } = {}) {
  const clock = changes.clock ?? systemClock;
  const log = changes.log ?? createMemoryLog();
  return {
    store,
    ledger: createLedger(store, clock, log, changes.leaseMs),
    runTask,
    clock,
    bell: createBell(),
    log,
    newId,
    heartbeatMs: 20,
    ...changes,
  };
}

export const never = new AbortController().signal;
export const noSignals = { stop: never, cancel: never };

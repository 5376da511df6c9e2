import type { Id } from "../../shared/concept.ts";
import { JobOutput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import { addEvent, fitProgress } from "./job-progress.ts";
import { type JobProgress, type JobRecord, jobFilesFolder, jobKeys } from "./job-record.ts";
import type { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import type { TaskRunner } from "./runner.ts";
import { createTaskFiles } from "./task-files.ts";

export interface AttemptDeps {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly runTask: TaskRunner;
  readonly clock: Clock;
  readonly log: Log;
}

/** Why an attempt is stopped from outside. */
export type StopReason = "canceled" | "stopped" | "lost";

/** How long a task may take to notice that it was stopped before we go on without it. */
const stopGraceMs = 10_000;

/** What the task came to; a retry is decided later. */
export type End = { readonly output: JobOutput } | { readonly error: unknown };

/** One run of a task. */
export interface Attempt {
  readonly done: AbortController;
  readonly signal: AbortSignal;
  progress(): JobProgress;
  abort(reason: StopReason): void;
  reason(): StopReason | undefined;
  /** True once `work` has come to its end: what follows is writing it down. */
  worked(): boolean;
  work(): Promise<End>;
}

/** Prepares the run of a claimed job; `work` begins it. */
export function createAttempt(deps: AttemptDeps, job: JobRecord, claim: string): Attempt {
  const controller = new AbortController();
  let progress = job.progress;
  let worked = false;
  const consume = async (): Promise<End> => {
    const found = await deps.store.get(jobKeys.checkpoint(job.request.id));
    let output: JobOutput | undefined;
    const events = deps.runTask(job.request.input, {
      jobId: job.request.id,
      attempt: job.state.attempt,
      signal: controller.signal,
      ...(found === undefined ? {} : { checkpoint: found.data }),
      saveCheckpoint: (bytes) => saveCheckpoint(deps, job.request.id, bytes, progress, controller.signal),
      files: createTaskFiles(deps.store, jobFilesFolder(job.request.id)),
    });
    for await (const event of events) {
      // What its record could not hold fails the attempt here, not the writing of its end.
      if (event.type === "output") output = JobOutput.parse(event.output);
      progress = addEvent(progress, event);
      controller.signal.throwIfAborted();
    }
    if (output === undefined) throw new Error(`the task ${job.request.input.task} ended without an output`);
    return { output };
  };
  return {
    done: new AbortController(),
    signal: controller.signal,
    progress: () => progress,
    abort: (reason) => {
      if (controller.signal.aborted) return;
      deps.log.info("attempt stopped", { job: job.request.id, claim, reason });
      controller.abort(reason);
    },
    reason: () => (controller.signal.aborted ? (controller.signal.reason as StopReason) : undefined),
    worked: () => worked,
    work: async () => {
      const end = await Promise.race([
        consume().catch((error: unknown) => ({ error })),
        stoppedFor(deps.clock, stopGraceMs, controller.signal).then((error) => ({ error })),
      ]);
      worked = true;
      return end;
    },
  };
}

/** Resolves a while after `signal` aborted, for tasks that never notice. */
async function stoppedFor(clock: Clock, ms: number, signal: AbortSignal): Promise<Error> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await clock.sleep(ms);
  return new Error("the task did not stop when asked to");
}

async function saveCheckpoint(
  deps: AttemptDeps,
  id: Id,
  bytes: Uint8Array,
  progress: JobProgress,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  if (bytes.byteLength > limits.maxCheckpointBytes) {
    throw new Error(`a checkpoint of ${bytes.byteLength} bytes: at most ${limits.maxCheckpointBytes} are kept`);
  }
  try {
    // Progress first: an attempt that begins at this checkpoint finds the curve complete up to it.
    await deps.ledger.progress(id, fitProgress(progress));
    await deps.store.put(jobKeys.checkpoint(id), bytes);
  } catch (error) {
    deps.log.warn("checkpoint not saved", { job: id, error });
  }
}

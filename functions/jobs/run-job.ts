import type { Id } from "../../shared/concept.ts";
import { bugMessage, UserError } from "../../shared/error.ts";
import type { JobOutput, TaskEvent } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import type { Store } from "../store/store.ts";
import type { Bell } from "./bell.ts";
import { type Clock, pause } from "./clock.ts";
import { addEvent, fitProgress } from "./job-progress.ts";
import { type JobProgress, type JobRecord, jobFilesFolder, jobKeys } from "./job-record.ts";
import type { Ledger, Outcome } from "./ledger.ts";
import type { Log } from "./log.ts";
import type { TaskRunner } from "./runner.ts";
import { createTaskFiles } from "./task-files.ts";

export interface WorkerDeps {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly runTask: TaskRunner;
  readonly clock: Clock;
  readonly bell: Bell;
  readonly log: Log;
  readonly newId: () => string;
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
}

/** finished: it ended and the state says how. released: back in the queue. lost: another attempt has it, or the store could
 * not be reached for a whole lease. not-claimed: nothing to do. */
export type RunResult = "finished" | "released" | "lost" | "not-claimed";

/** Why an attempt is stopped from outside. */
type StopReason = "canceled" | "stopped" | "lost";

/** Errors that may go away by themselves. */
const worthRetrying: ReadonlySet<string> = new Set(["engine_failed", "unavailable"]);
/** How long a task may take to notice that it was stopped before we go on without it. */
const stopGraceMs = 10_000;

/** Runs one attempt of a job: claims it, keeps the lease, writes progress and checkpoints, and ends it exactly once. `stop`
 * puts the job back into the queue; `cancel` looks at once whether the ledger says cancel. */
export async function runJob(
  deps: WorkerDeps,
  id: Id,
  signals: { readonly stop: AbortSignal; readonly cancel: AbortSignal },
): Promise<RunResult> {
  const { ledger, bell, newId } = deps;
  const claim = newId();
  const job = await ledger.claim(id, claim);
  if (job === undefined) return "not-claimed";
  bell.ring(id);
  const attempt = createAttempt(deps, job, claim);
  const stop = () => attempt.abort("stopped");
  const cancel = () => attempt.abort("canceled");
  signals.stop.addEventListener("abort", stop);
  signals.cancel.addEventListener("abort", cancel);
  if (signals.stop.aborted) stop();
  if (signals.cancel.aborted) cancel();
  const heartbeat = keepAlive(deps, attempt, id, claim);
  try {
    const end = await attempt.work();
    return await conclude(deps, attempt, job, claim, end);
  } finally {
    signals.stop.removeEventListener("abort", stop);
    signals.cancel.removeEventListener("abort", cancel);
    attempt.done.abort();
    await heartbeat;
    bell.ring(id);
  }
}

/** What the task came to; a retry is decided later. */
type End = { readonly output: JobOutput } | { readonly error: unknown };

interface Attempt {
  readonly done: AbortController;
  readonly signal: AbortSignal;
  progress(): JobProgress;
  abort(reason: StopReason): void;
  reason(): StopReason | undefined;
  work(): Promise<End>;
}

function createAttempt(deps: WorkerDeps, job: JobRecord, claim: string): Attempt {
  const controller = new AbortController();
  let progress = job.progress;
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
    for await (const event of events as AsyncIterable<TaskEvent>) {
      if (event.type === "output") output = event.output;
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
    work: () =>
      Promise.race([
        consume().catch((error: unknown) => ({ error })),
        stoppedFor(deps.clock, stopGraceMs, controller.signal).then((error) => ({ error })),
      ]),
  };
}

/** Resolves a while after `signal` aborted, for tasks that never notice. */
async function stoppedFor(clock: Clock, ms: number, signal: AbortSignal): Promise<Error> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await clock.sleep(ms);
  return new Error("the task did not stop when asked to");
}

async function saveCheckpoint(
  deps: WorkerDeps,
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

/** Renews the lease and writes progress until the attempt is done. A store that fails for a whole lease means that others
 * may have taken the job: the attempt stops itself. */
async function keepAlive(deps: WorkerDeps, attempt: Attempt, id: Id, claim: string): Promise<void> {
  const { clock, ledger, log, bell } = deps;
  const leaseMs = deps.leaseMs ?? limits.jobLeaseMs;
  let heldUntil = clock.now() + leaseMs;
  let written: JobProgress | undefined;
  while (await pause(clock, deps.heartbeatMs ?? limits.jobHeartbeatMs, attempt.done.signal)) {
    const sentAt = clock.now();
    try {
      const { held, cancelRequested } = await ledger.renew(id, claim);
      if (!held) return attempt.done.signal.aborted ? undefined : attempt.abort("lost");
      heldUntil = sentAt + leaseMs;
      if (cancelRequested) attempt.abort("canceled");
      const progress = attempt.progress();
      if (progress !== written) await ledger.progress(id, fitProgress(progress));
      written = progress;
      bell.ring(id);
    } catch (error) {
      log.warn("heartbeat failed", { job: id, error });
      if (clock.now() >= heldUntil) return attempt.abort("lost");
    }
  }
}

async function conclude(
  deps: WorkerDeps,
  attempt: Attempt,
  job: JobRecord,
  claim: string,
  end: End,
): Promise<RunResult> {
  const { ledger, log, clock } = deps;
  const id = job.request.id;
  const leaseMs = deps.leaseMs ?? limits.jobLeaseMs;
  const giveUpAt = clock.now() + leaseMs;
  // What was learned must not be lost to one failed write: heartbeats go on meanwhile and keep the lease.
  const insist = async <Result>(write: () => Promise<Result>): Promise<Result | undefined> => {
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        return await write();
      } catch (error) {
        log.warn("end of job not written yet", { job: id, error });
        if (clock.now() >= giveUpAt || attempt.reason() === "lost") return undefined;
        await clock.sleep(waitMs);
      }
    }
  };
  if (attempt.reason() === "lost") return "lost";
  await insist(() => ledger.progress(id, fitProgress(attempt.progress())));
  if ("error" in end && attempt.reason() === "stopped") {
    await insist(() => ledger.release(id, claim));
    return "released";
  }
  const decision = decide(deps, attempt, job, end);
  if ("retry" in decision) {
    await insist(() => ledger.release(id, claim, { error: decision.retry, delayMs: 1_000 * 4 ** job.state.attempt }));
    return "released";
  }
  return (await insist(() => ledger.finish(id, claim, decision))) ? "finished" : "lost";
}

function decide(deps: WorkerDeps, attempt: Attempt, job: JobRecord, end: End): Outcome | { readonly retry: string } {
  if ("output" in end) return { status: "succeeded", output: end.output };
  if (attempt.reason() === "canceled") return { status: "canceled" };
  const { error } = end;
  const known = error instanceof UserError;
  const number = deps.newId();
  const text = known ? error.message : bugMessage(number);
  const fields = { job: job.request.id, attempt: job.state.attempt, id: number, error };
  if (known) deps.log.info("task failed", fields);
  else deps.log.error("task failed", fields);
  const again = !known || worthRetrying.has(error.code);
  return again && job.state.attempt < limits.maxJobAttempts ? { retry: text } : { status: "failed", error: text };
}

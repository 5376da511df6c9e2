import type { Id } from "../../shared/concept.ts";
import { bugMessage, UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { type Attempt, type AttemptDeps, createAttempt, type End } from "./attempt.ts";
import type { Bell } from "./bell.ts";
import { pause } from "./clock.ts";
import { fitProgress } from "./job-progress.ts";
import type { JobProgress, JobRecord } from "./job-record.ts";
import type { Outcome } from "./ledger.ts";

export interface WorkerDeps extends AttemptDeps {
  readonly bell: Bell;
  readonly newId: () => string;
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
  /** The first retry waits four times as long, every further one four times longer. */
  readonly retryMs?: number;
}

/** finished: it ended and the state says how. released: back in the queue. lost: another attempt has it, or the store could
 * not be reached for a whole lease. not-claimed: nothing to do. */
export type RunResult = "finished" | "released" | "lost" | "not-claimed";

/** Errors that may go away by themselves. */
const worthRetrying: ReadonlySet<string> = new Set(["engine_failed", "unavailable"]);

/** Runs one attempt of a job: claims it, keeps the lease, writes progress and checkpoints, and ends it exactly once. `stop`
 * puts the job back into the queue; `cancel` ends it at once instead of at the next heartbeat. */
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
      // After the work, not to hold the job any more is how it should be: its end is written.
      if (!held) return attempt.worked() ? undefined : attempt.abort("lost");
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
    await insist(() =>
      ledger.release(id, claim, { error: decision.retry, delayMs: (deps.retryMs ?? 1_000) * 4 ** job.state.attempt }),
    );
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

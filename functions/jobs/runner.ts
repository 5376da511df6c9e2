import type { StoreKey } from "../../shared/concept.ts";
import type { JobInput, TaskEvent } from "../../shared/job.ts";

/** The pictures a task reads and the files it leaves behind. */
export interface TaskFiles {
  /** @throws UserError not_found */
  read(key: StoreKey): Promise<Uint8Array>;
  /** Stores a result, e.g. `strip.png`, under the job's own folder and gives its key. The same name overwrites. */
  write(name: string, bytes: Uint8Array): Promise<StoreKey>;
}

/** What a task gets besides its input. */
export interface TaskContext {
  /** The same on every attempt: whatever a task publishes derives its ids from this, so that two attempts publish once. */
  readonly jobId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Aborts when the job is canceled, when the service stops, or when another worker has taken the job over.
   * A task then stops soon by throwing anything (`signal.reason` will do). */
  readonly signal: AbortSignal;
  /** What the latest `saveCheckpoint` of an earlier attempt was given; absent on a fresh start. */
  readonly checkpoint?: Uint8Array;
  /** Keeps `bytes` for the next attempt; a failing store does not reject, it only costs the next attempt time. */
  saveCheckpoint(bytes: Uint8Array): Promise<void>;
  readonly files: TaskFiles;
}

/** Does one job. Pictures of the input are store keys here, data URIs were stored before. It yields progress, logs and
 * metrics, and before it ends exactly one `output`. What it throws decides the rest: a UserError fails the job with that text
 * (`engine_failed` and `unavailable` are tried again first), anything else is tried again and then fails.
 * After `output` nothing may be published any more. */
export type TaskRunner = (input: JobInput, context: TaskContext) => AsyncGenerator<TaskEvent>;

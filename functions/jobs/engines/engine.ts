import type { Id } from "../../../shared/concept.ts";
import type { JobRequest } from "../job-record.ts";

/** Cog's states of a service that runs predictions (replicate/cog, docs/http.md). */
export type EngineHealth = "STARTING" | "READY" | "BUSY" | "SETUP_FAILED" | "UNHEALTHY";

/** Where jobs run. The ledger is the truth: an engine only makes sure that somebody claims the job there, and a job handed
 * over twice runs once. */
export interface JobEngine {
  /** Jobs that may be handed over and unfinished at the same time. */
  readonly capacity: number;
  /** What a start from zero takes, for honest estimates; 0 when there is none. */
  readonly coldStartMs: number;
  /** How long a job may stay unclaimed after it was handed over. */
  readonly claimWithinMs: number;
  /** Hands a job over. "full" leaves it and those behind it in the queue; `refused` ends it, with that reason for its person, where
   * it could never run; `failed` leaves it for later, the next may go. Rejects when the engine cannot be reached. */
  dispatch(
    request: JobRequest,
  ): Promise<"accepted" | "full" | { readonly refused: string } | { readonly failed: string }>;
  /** Tells a running job at once what its next heartbeat would tell it. Never rejects. */
  cancel(id: Id): Promise<void>;
  health(): Promise<EngineHealth>;
  /** Stops its jobs; what they did is kept in checkpoints and they go back into the queue. */
  close(): Promise<void>;
}

import type { Id } from "../../shared/concept.ts";
import type { Identity } from "../../shared/identity.ts";
import type { DescribeInput, DescribeOutput } from "../../shared/job.ts";
import type { Bell } from "../jobs/bell.ts";
import type { Clock } from "../jobs/clock.ts";
import type { Ledger } from "../jobs/ledger.ts";
import type { Log } from "../jobs/log.ts";
import type { QueuePlace } from "../jobs/queue-estimate.ts";
import type { TaskFiles } from "../jobs/runner.ts";
import type { Store } from "../store/store.ts";
import type { CleanPicture } from "../tasks/clean-picture.ts";
import type { DraftScene } from "../tasks/draw-draft.ts";

/** What every service with routes has. */
export interface ServiceDeps {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly engine: { cancel(id: Id): Promise<void> };
  readonly queue: () => Promise<ReadonlyMap<Id, QueuePlace>>;
  readonly bell: Bell;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  /** Decodes an upload and writes its pixels anew. */
  readonly cleanPicture: (upload: Uint8Array) => Promise<CleanPicture>;
  /** Aborts when the service stops: streams end, clients come back to its successor. */
  readonly closing: AbortSignal;
  readonly pollMs?: number;
}

/** Finds what a click may mean; writes masks and crops through `files`. */
export type Describe = (input: DescribeInput, files: TaskFiles) => Promise<DescribeOutput>;

/** What people should know of a caption before it is learned. */
export type NotesOn = (caption: string) => readonly string[];

/** Draws a draft → PNG. */
export type DrawDraft = (scene: DraftScene) => Promise<Uint8Array>;

/** What a handler knows of its request besides body and path. */
export interface Caller {
  readonly identity: Identity;
  /** Aborts when the client went away. */
  readonly signal: AbortSignal;
}

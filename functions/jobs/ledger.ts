import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { Id } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { isTerminal, type JobOutput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { beginning } from "../../shared/short.ts";
import { listAll, type Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import { createDocument, readDocument, updateDocument, writeDocument } from "./document.ts";
import { markExpiry } from "./expiry.ts";
import { JobProgress, type JobRecord, JobRequest, JobState, jobKeys, newState, noProgress } from "./job-record.ts";
import { leavingOutDamaged } from "./leave-out-damaged.ts";
import type { Log } from "./log.ts";

/** How an attempt ended. */
export type Outcome =
  | { readonly status: "succeeded"; readonly output: z.infer<typeof JobOutput> }
  | { readonly status: "failed"; readonly error: string }
  | { readonly status: "canceled" };

/** All jobs, in the store: services can die at any instruction and forget nothing. An attempt is known by its `claim`, a
 * text no other attempt has; only the attempt whose claim is in the state may change it. */
export interface Ledger {
  /** Writes the request, or joins the one that is there. @throws UserError conflict when the id means another request */
  submit(request: JobRequest): Promise<JobRecord>;
  read(id: Id): Promise<JobRecord | undefined>;
  /** Requests of all unfinished jobs. One that is damaged is read from its copy; where that is damaged too it is logged and left
   * out, the others go on, and after limits.maxQueueHours it counts as ended. */
  open(): Promise<readonly JobRequest[]>;
  state(id: Id): Promise<JobState | undefined>;
  /** Reserves a waiting job for an engine; false when it runs, is reserved, or is over. */
  reserve(id: Id, forMs: number): Promise<boolean>;
  /** Gives a reservation back; the next one may begin after `delayMs`. */
  unreserve(id: Id, delayMs?: number): Promise<void>;
  /** Begins an attempt; undefined when another attempt runs or nothing is left to do. */
  claim(id: Id, claim: string): Promise<JobRecord | undefined>;
  /** Keeps the job for another lease. */
  renew(id: Id, claim: string): Promise<{ readonly held: boolean; readonly cancelRequested: boolean }>;
  progress(id: Id, progress: JobProgress): Promise<void>;
  /** Ends the job. False when the attempt had lost it: its result does not count. */
  finish(id: Id, claim: string, outcome: Outcome): Promise<boolean>;
  /** Puts the job back into the queue: after a failure with its reason, to be tried again after `delayMs`; without one the
   * attempt does not count. */
  release(id: Id, claim: string, failure?: { readonly error: string; readonly delayMs: number }): Promise<void>;
  /** Ends a waiting job at once and asks a running one to stop. */
  cancel(id: Id): Promise<JobState | undefined>;
  /** Ends a waiting job as failed, for a reason that its person is told. */
  refuse(id: Id, error: string): Promise<void>;
  /** Brings a job that nobody looks after in order: counts out lost attempts, ends what is canceled or too old. */
  settle(request: JobRequest): Promise<JobState>;
}

const lostReason = `The machine stopped answering ${limits.maxJobAttempts} times while it worked on this.`;
const maxQueueMs = limits.maxQueueHours * 3_600_000;
const tooOldReason = `No machine became free within ${limits.maxQueueHours} hours. Try again later.`;

/** True while an attempt holds its lease. */
export const isRunning = (state: JobState, now: number): boolean => state.owner !== null && state.leaseUntil > now;

/** True when nothing keeps a job from being handed to an engine. */
export const isWaiting = (state: JobState, now: number): boolean =>
  !isTerminal(state.status) && !isRunning(state, now) && state.dispatchedUntil <= now && state.notBefore <= now;

/** Keys that are undefined here are absent in the store. */
const asStored = (input: unknown): unknown => JSON.parse(JSON.stringify(input));

export function createLedger(store: Store, clock: Clock, log: Log, leaseMs: number = limits.jobLeaseMs): Ledger {
  const leaveOut = leavingOutDamaged(log);
  const update = (id: Id, change: (state: JobState) => JobState | undefined) =>
    updateDocument(store, jobKeys.state(id), JobState, (state) => (state === undefined ? undefined : change(state)));

  const end = (state: JobState, outcome: Outcome): JobState => ({
    ...state,
    status: outcome.status,
    output: outcome.status === "succeeded" ? outcome.output : null,
    error: outcome.status === "failed" ? beginning(outcome.error, 2_000) : null,
    leaseUntil: 0,
    dispatchedUntil: 0,
    endedAt: clock.now(),
  });

  const isHeld = (state: JobState) => isRunning(state, clock.now());

  /** What a job that no live worker holds becomes before anything else is done with it. */
  const settled = (state: JobState, createdAt: number): JobState | undefined => {
    if (isTerminal(state.status) || isHeld(state)) return undefined;
    if (state.cancelRequested) return end(state, { status: "canceled" });
    if (state.attempt >= limits.maxJobAttempts) {
      return end(state, { status: "failed", error: state.error ?? lostReason });
    }
    // Since a machine last had it: what has run for a day and is put back goes on from its checkpoint.
    const waitedMs = clock.now() - Math.max(createdAt, state.leaseUntil);
    if (waitedMs > maxQueueMs) return end(state, { status: "failed", error: tooOldReason });
    return undefined;
  };

  /** Terminal states need no marker; the checkpoint has served. Both are removed after the state says so. */
  const cleanUp = async (id: Id) => {
    await store.delete(jobKeys.open(id));
    await store.delete(jobKeys.checkpoint(id));
  };

  /** What nobody can read is nobody's to end, and no more open than what waited too long. Its person was told by whatever they asked
   * of it; its folder stays until it expires. */
  const dropAfterDay = async (id: Id, since: number) => {
    if (clock.now() - since > maxQueueMs) await store.delete(jobKeys.open(id));
  };

  /** What was asked stands in two places while a job is open: where one is damaged it is written anew from the other. */
  const readRequest = async (id: Id, where: "request" | "open" = "request"): Promise<JobRequest | undefined> => {
    try {
      return await readDocument(store, jobKeys[where](id), JobRequest);
    } catch (error) {
      if (error instanceof UserError) throw error;
      const copy = await readDocument(store, jobKeys[where === "open" ? "request" : "open"](id), JobRequest);
      if (copy === undefined) throw error;
      log.warn("a damaged request is written anew from its copy", { job: id, damaged: where, error });
      await writeDocument(store, jobKeys[where](id), JobRequest, copy);
      return copy;
    }
  };

  const read = async (id: Id): Promise<JobRecord | undefined> => {
    const request = await readRequest(id);
    if (request === undefined) return undefined;
    const state = await readDocument(store, jobKeys.state(id), JobState);
    const progress = await readDocument(store, jobKeys.progress(id), JobProgress);
    return { request, state: state ?? newState, progress: progress ?? noProgress };
  };

  return {
    read,
    state: (id) => readDocument(store, jobKeys.state(id), JobState),
    progress: (id, progress) => writeDocument(store, jobKeys.progress(id), JobProgress, progress),

    async submit(request) {
      await markExpiry(store, `jobs/${request.id}`, request.createdAt);
      let kept = await readRequest(request.id);
      if (kept === undefined) {
        // The marker first, with all of the request: whoever finds it does what a crash left undone. Read back instead of
        // trusting our own writes: somebody was faster, or an answer was lost.
        await createDocument(store, jobKeys.open(request.id), JobRequest, request);
        const first = (await readDocument(store, jobKeys.open(request.id), JobRequest)) ?? request;
        await createDocument(store, jobKeys.request(request.id), JobRequest, first);
        kept = (await readDocument(store, jobKeys.request(request.id), JobRequest)) ?? first;
      }
      if (kept.userId !== request.userId || !isDeepStrictEqual(kept.input, asStored(request.input))) {
        throw new UserError(
          "conflict",
          `The id ${request.id} stands for another request. Send this one under a new id.`,
        );
      }
      const state = await readDocument(store, jobKeys.state(request.id), JobState);
      if (state === undefined) {
        await createDocument(store, jobKeys.open(request.id), JobRequest, kept);
        await createDocument(store, jobKeys.state(request.id), JobState, newState);
      }
      return (await read(request.id)) as JobRecord;
    },

    async open() {
      const requests: JobRequest[] = [];
      for await (const { key, modified } of listAll(store, "open/")) {
        const id = key.slice(jobKeys.open("").length);
        const request = await leaveOut(id, () => readRequest(id, "open"));
        if (request !== undefined) requests.push(request);
        else await dropAfterDay(id, modified.getTime());
      }
      return requests;
    },

    async reserve(id, forMs) {
      let reserved = false;
      await update(id, (state) => {
        reserved = isWaiting(state, clock.now());
        return reserved ? { ...state, dispatchedUntil: clock.now() + forMs } : undefined;
      });
      return reserved;
    },

    async unreserve(id, delayMs = 0) {
      await update(id, (state) =>
        state.dispatchedUntil === 0
          ? undefined
          : { ...state, dispatchedUntil: 0, notBefore: Math.max(state.notBefore, clock.now() + delayMs) },
      );
    },

    async claim(id, claim) {
      const request = await readRequest(id);
      if (request === undefined) return undefined;
      const state = await update(id, (current) => {
        if (isTerminal(current.status) || isHeld(current)) return undefined;
        return (
          settled(current, request.createdAt) ?? {
            ...current,
            status: "processing",
            attempt: current.attempt + 1,
            owner: claim,
            leaseUntil: clock.now() + leaseMs,
            startedAt: current.startedAt ?? clock.now(),
            error: null,
          }
        );
      });
      if (state === undefined) return undefined;
      if (isTerminal(state.status)) await cleanUp(id);
      return state.owner === claim && !isTerminal(state.status) ? await read(id) : undefined;
    },

    async renew(id, claim) {
      const state = await update(id, (current) =>
        current.owner === claim && !isTerminal(current.status)
          ? { ...current, leaseUntil: clock.now() + leaseMs, dispatchedUntil: 0 }
          : undefined,
      );
      const held = state?.owner === claim && !isTerminal(state.status);
      return { held, cancelRequested: state?.cancelRequested ?? false };
    },

    async finish(id, claim, outcome) {
      const state = await update(id, (current) =>
        current.owner === claim && !isTerminal(current.status) ? end(current, outcome) : undefined,
      );
      const ours = state?.owner === claim && isTerminal(state.status);
      if (ours) await cleanUp(id);
      return ours;
    },

    async release(id, claim, failure) {
      await update(id, (current) => {
        if (current.owner !== claim || isTerminal(current.status)) return undefined;
        return {
          ...current,
          status: "starting",
          attempt: failure === undefined ? current.attempt - 1 : current.attempt,
          owner: null,
          leaseUntil: clock.now(),
          dispatchedUntil: 0,
          notBefore: failure === undefined ? 0 : clock.now() + failure.delayMs,
          error: failure?.error ?? null,
        };
      });
    },

    async cancel(id) {
      const state = await update(id, (current) => {
        if (isTerminal(current.status) || current.cancelRequested) return undefined;
        return isHeld(current) ? { ...current, cancelRequested: true } : end(current, { status: "canceled" });
      });
      if (state !== undefined && isTerminal(state.status)) await cleanUp(id);
      return state;
    },

    async refuse(id, error) {
      const state = await update(id, (current) =>
        isTerminal(current.status) || isHeld(current) ? undefined : end(current, { status: "failed", error }),
      );
      if (state !== undefined && isTerminal(state.status)) await cleanUp(id);
    },

    async settle(request) {
      let state = await readDocument(store, jobKeys.state(request.id), JobState).catch(async (error: unknown) => {
        if (!(error instanceof UserError)) await dropAfterDay(request.id, request.createdAt);
        throw error;
      });
      if (state === undefined) {
        // A crash between marker and state: the job was accepted, so it begins here. It may also have expired already.
        await markExpiry(store, `jobs/${request.id}`, clock.now());
        await createDocument(store, jobKeys.request(request.id), JobRequest, request);
        await createDocument(store, jobKeys.state(request.id), JobState, newState);
        state = newState;
      } else if (settled(state, request.createdAt) !== undefined) {
        state = (await update(request.id, (current) => settled(current, request.createdAt))) ?? state;
      }
      if (isTerminal(state.status)) await cleanUp(request.id);
      return state;
    },
  };
}

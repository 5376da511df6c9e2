import { z } from "zod";
import type { Id } from "../../shared/concept.ts";
import { isTerminal } from "../../shared/job.ts";
import type { Store } from "../store/store.ts";
import type { Bell } from "./bell.ts";
import { type Clock, pause } from "./clock.ts";
import { readDocument, updateDocument } from "./document.ts";
import type { JobEngine } from "./engines/engine.ts";
import { fairOrder, serve } from "./fair-order.ts";
import type { JobRequest, JobState } from "./job-record.ts";
import { leavingOutDamaged } from "./leave-out-damaged.ts";
import { isRunning, isWaiting, type Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import { estimateQueue, learnTypical, type QueuePlace } from "./queue-estimate.ts";

export interface DispatcherDeps {
  readonly store: Store;
  readonly ledger: Ledger;
  readonly engine: JobEngine;
  readonly clock: Clock;
  readonly bell: Bell;
  readonly log: Log;
  readonly newId: () => string;
  /** Done by the dispatcher once an hour: what has expired goes. */
  readonly tidy?: () => Promise<unknown>;
  /** How often to look while jobs are open, and while none is. */
  readonly tickMs?: number;
  readonly idleTickMs?: number;
}

export interface Dispatcher {
  /** One round: settle, order, hand over. False when another gateway is the dispatcher. */
  round(): Promise<boolean>;
  /** Rounds until `close`; rings of the bell bring the next one forward. */
  start(): void;
  close(): Promise<void>;
  /** Place and estimate of every open job, for any gateway, dispatcher or not. */
  queue(): Promise<ReadonlyMap<Id, QueuePlace>>;
}

/** `dispatch/leader.json`: who hands jobs out, and what fairness and estimates remember. What another version of this program
 * remembered is forgotten rather than refused: nobody's job depends on it. */
const Leader = z.object({
  holder: z.string(),
  until: z.number(),
  served: z.record(z.string(), z.number()).catch({}),
  typicalMs: z.partialRecord(z.enum(["describe", "learn", "imagine", "explain"]), z.number()).catch({}),
});
type Leader = z.infer<typeof Leader>;

const leaderKey = "dispatch/leader.json";
const leaderLeaseMs = 15_000;
const sweepEveryMs = 3_600_000;
/** How long a job that the engine failed to take lets others go first. */
const failedPauseMs = 30_000;

interface OpenJob {
  readonly request: JobRequest;
  readonly state: JobState;
}

/** Hands open jobs to the engine, fairly and a few at a time. All it knows is in the store: a new one goes on where the
 * last one died. */
export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { store, ledger, engine, clock, bell, log } = deps;
  const leaveOut = leavingOutDamaged(log);
  const holder = deps.newId();
  const stop = new AbortController();
  let wake = new AbortController();
  let looping: Promise<void> | undefined;
  let seen: readonly JobRequest[] = [];
  let sweptAt = 0;
  let cached: { readonly at: number; readonly places: Promise<ReadonlyMap<Id, QueuePlace>> } | undefined;

  /** Becomes or stays the dispatcher; undefined when somebody else is. `change` is written along. */
  const lead = async (change: (leader: Leader) => Leader = (leader) => leader): Promise<Leader | undefined> => {
    const leader = await updateDocument(store, leaderKey, Leader, (current) => {
      if (current !== undefined && current.holder !== holder && current.until > clock.now()) return undefined;
      const mine = change(current ?? { holder, until: 0, served: {}, typicalMs: {} });
      const fresh = current?.holder === holder && current.until - clock.now() > leaderLeaseMs / 2;
      return fresh && mine === current ? undefined : { ...mine, holder, until: clock.now() + leaderLeaseMs };
    });
    return leader?.holder === holder ? leader : undefined;
  };

  const handOver = async (jobs: readonly OpenJob[], leader: Leader): Promise<void> => {
    const now = clock.now();
    const waiting = jobs.filter(({ state }) => isWaiting(state, now));
    const busy = jobs.filter(({ state }) => isRunning(state, now) || state.dispatchedUntil > now).length;
    const byId = new Map(waiting.map(({ request }) => [request.id, request]));
    const order = fairOrder(waiting.map(asWaiting), leader.served);
    for (const job of order.slice(0, Math.max(0, engine.capacity - busy))) {
      const request = byId.get(job.id) as JobRequest;
      if (!(await ledger.reserve(job.id, engine.claimWithinMs))) continue;
      const answer = await engine.dispatch(request).catch((error: unknown) => {
        log.warn("engine not reached", { job: job.id, error });
        return "full" as const;
      });
      if (answer === "full") return ledger.unreserve(job.id);
      if (typeof answer === "object" && "failed" in answer) {
        log.warn("engine failed to take a job", { job: job.id, reason: answer.failed });
        await ledger.unreserve(job.id, failedPauseMs);
        continue;
      }
      if (answer !== "accepted") {
        log.error("engine refuses a job", { job: job.id, reason: answer.refused });
        await ledger.refuse(job.id, answer.refused);
        bell.ring(job.id);
        continue;
      }
      await lead((mine) => ({ ...mine, served: serve(mine.served, job) }));
    }
  };

  /** Jobs that ended since the last round teach what their task usually takes. */
  const learnDurations = async (open: readonly JobRequest[]): Promise<void> => {
    const still = new Set(open.map(({ id }) => id));
    for (const { id, input } of seen.filter((request) => !still.has(request.id))) {
      const state = await leaveOut(id, () => ledger.state(id));
      if (state?.status !== "succeeded" || state.startedAt === null || state.endedAt === null) continue;
      const ms = state.endedAt - state.startedAt;
      await lead((mine) => ({ ...mine, typicalMs: learnTypical(mine.typicalMs, input.task, ms) }));
    }
    seen = open;
  };

  const openJobs = async (settle: boolean): Promise<readonly OpenJob[]> => {
    const jobs: OpenJob[] = [];
    for (const request of await ledger.open()) {
      const state = await leaveOut(request.id, () => (settle ? ledger.settle(request) : ledger.state(request.id)));
      if (state !== undefined && !isTerminal(state.status)) jobs.push({ request, state });
    }
    return jobs;
  };

  const tidyHourly = async (): Promise<void> => {
    if (clock.now() - sweptAt <= sweepEveryMs) return;
    sweptAt = clock.now();
    await deps.tidy?.().catch((error: unknown) => log.warn("tidying failed", { error }));
  };

  const round = async (): Promise<boolean> => {
    const leader = await lead();
    if (leader === undefined) return false;
    try {
      const jobs = await openJobs(true);
      await learnDurations(jobs.map(({ request }) => request));
      await handOver(jobs, leader);
    } finally {
      // Whatever keeps jobs from being handed over does not keep what has expired.
      await tidyHourly();
    }
    return true;
  };

  const loop = async (): Promise<void> => {
    let idle = false;
    const off = bell.onRing(() => wake.abort());
    do {
      wake = new AbortController();
      try {
        await round();
        idle = seen.length === 0;
      } catch (error) {
        log.warn("dispatch round failed", { error });
      }
      const restMs = idle ? (deps.idleTickMs ?? 10_000) : (deps.tickMs ?? 1_000);
      await pause(clock, restMs, AbortSignal.any([wake.signal, stop.signal]));
      // Many rings at once are one round.
      await pause(clock, 20, stop.signal);
    } while (!stop.signal.aborted);
    off();
  };

  return {
    round,
    start: () => {
      looping ??= loop();
    },
    async close() {
      stop.abort();
      await looping;
      // The next dispatcher need not wait for the lease to run out.
      await updateDocument(store, leaderKey, Leader, (current) =>
        current?.holder === holder ? { ...current, until: 0 } : undefined,
      ).catch((error: unknown) => log.warn("dispatcher's lease not given back", { error }));
    },
    queue() {
      // Everybody who watches asks: once a second is as true as once for each.
      if (cached === undefined || clock.now() - cached.at >= 1_000) cached = { at: clock.now(), places: queue() };
      return cached.places;
    },
  };

  async function queue(): Promise<ReadonlyMap<Id, QueuePlace>> {
    const leader = await readDocument(store, leaderKey, Leader);
    const now = clock.now();
    const jobs = await openJobs(false);
    const running = jobs.filter(({ state }) => isRunning(state, now));
    const waiting = jobs.filter(({ state }) => !isRunning(state, now));
    const byId = new Map(waiting.map(({ request }) => [request.id, request]));
    const order = fairOrder(waiting.map(asWaiting), leader?.served ?? {});
    const cold = waiting.length > 0 && engine.coldStartMs > 0 && (await engine.health()) === "STARTING";
    return estimateQueue(
      running.map(({ request, state }) => ({ ...asQueued(request), startedAt: state.startedAt ?? now })),
      order.map(({ id }) => asQueued(byId.get(id) as JobRequest)),
      {
        slots: engine.capacity,
        typicalMs: leader?.typicalMs ?? {},
        coldStartMs: cold ? engine.coldStartMs : 0,
        now,
      },
    );
  }
}

const asQueued = (request: JobRequest) => ({ id: request.id, task: request.input.task });

function asWaiting({ request }: OpenJob) {
  const { id, userId, serverId, createdAt } = request;
  return { id, userId, serverId, createdAt };
}

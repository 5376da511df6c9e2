import { randomUUID } from "node:crypto";
import { type Delivery, type DeliveryAddress, routes } from "../shared/api.ts";
import { UserError } from "../shared/error.ts";
import type { Identity } from "../shared/identity.ts";
import { createHold, type Hold, leaseMs } from "./hold.ts";
import { followDelivery, isPassing, type ProgressContext } from "./progress.ts";

/** Which jobs this process tells people about. What it needs to go on after a restart is in the gateway. */
export interface Deliveries {
  /** Takes a job's message over; undefined when it is already told by somebody, which is what a second press finds. */
  claim(
    jobId: string,
    task: Delivery["task"],
    identity: Identity,
    address: DeliveryAddress,
  ): Promise<Delivery | undefined>;
  /** Follows a claimed job in the background. */
  follow(delivery: Delivery): void;
  /** Nothing will come: the job could not be started, and its person has been told. */
  abandon(delivery: Delivery): Promise<void>;
  /** Takes up what a bot that is gone has left, now and every few seconds, until stopped. */
  watch(): Promise<void>;
  /** Stops telling. `release`: another bot may go on at once; otherwise the leases run out, as after a crash. */
  stop(release: boolean): Promise<void>;
}

const sweepEveryMs = 10_000;

/** So often the last word is tried while Discord fails, a sweep apart, before its person is given up: five minutes and more. */
export const maxFailedRounds = 30;

export function createDeliveries(context: ProgressContext, bot: Identity): Deliveries {
  const { functions, clock, log } = context;
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  /** Rounds that failed, by id; those that passing errors ended are not counted. */
  const failedRounds = new Map<string, number>();
  let releasing = false;

  const newHolder = () => ({ id: randomUUID(), untilMs: clock.now() + leaseMs });

  const follow = (delivery: Delivery) => {
    const { id } = delivery;
    const hold = createHold(functions, clock, bot, delivery);
    const mine = new AbortController();
    const signal = AbortSignal.any([stopping.signal, mine.signal]);
    const round = 1 + (failedRounds.get(id) ?? 0);
    const isLast = round >= maxFailedRounds;
    const telling = followDelivery(context, hold, signal, isLast).finally(() => mine.abort());
    const renewing = hold.renew(signal).catch((error: unknown) => mine.abort(error));
    const all = Promise.all([telling, renewing])
      .then(() => void failedRounds.delete(id))
      .catch(async (error: unknown) => {
        // A crash says no goodbye, so neither does a stop without release.
        if (stopping.signal.aborted) return releasing ? await letGo(hold) : undefined;
        log("delivery interrupted", { id, error: String(error) });
        if (isPassing(error)) return letGo(hold);
        failedRounds.set(id, round);
        if (isLast) log("delivery given up", { id, rounds: round, error: String(error) });
        await letGo(hold, isLast);
      })
      .finally(() => running.delete(id));
    running.set(id, all);
  };

  const sweep = async () => {
    const { deliveries } = await functions.call(routes.listDeliveries, bot);
    for (const delivery of deliveries) {
      const isHeld = delivery.holder !== null && delivery.holder.untilMs > clock.now();
      if (isHeld || running.has(delivery.id)) continue;
      const body = { revision: delivery.revision, holder: newHolder() };
      const claimed = await functions.call(routes.patchDelivery, bot, { id: delivery.id, body }).catch(ignoreConflict);
      if (claimed !== undefined && !stopping.signal.aborted) follow(claimed);
    }
  };

  return {
    async claim(jobId, task, identity, address) {
      const holder = newHolder();
      const stored = await functions.call(routes.putDelivery, identity, { id: jobId, body: { task, address, holder } });
      return stored.holder?.id === holder.id && !stored.done ? stored : undefined;
    },
    follow,
    async abandon({ id, revision }) {
      await functions.call(routes.patchDelivery, bot, { id, body: { revision, holder: null, done: true } });
    },
    async watch() {
      while (!stopping.signal.aborted) {
        await sweep().catch((error: unknown) => {
          if (!stopping.signal.aborted) log("sweep failed", { error: String(error) });
        });
        await clock.sleep(sweepEveryMs, stopping.signal).catch(() => undefined);
      }
    },
    async stop(release) {
      releasing = release;
      stopping.abort();
      await Promise.all(running.values());
    },
  };
}

/** The next sweep takes it up, unless it is done. */
async function letGo(hold: Hold, done = false): Promise<void> {
  await hold.patch({ holder: null, ...(done ? { done } : {}) }).catch(() => undefined);
}

/** Another process was faster: it is theirs now. */
function ignoreConflict(error: unknown): undefined {
  if (error instanceof UserError && error.code === "conflict") return undefined;
  throw error;
}

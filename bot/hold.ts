import { type Delivery, type PatchDelivery, routes } from "../shared/api.ts";
import { UserError } from "../shared/error.ts";
import type { Identity } from "../shared/identity.ts";
import type { Clock } from "./clock.ts";
import type { FunctionClient } from "./function-client.ts";

/** A bot that is silent for this long has lost its deliveries to another one. */
export const leaseMs = 30_000;

const renewMs = 10_000;

/** A delivery held by this process: its only writer, as long as every write finds the revision of the one before. */
export interface Hold {
  current(): Delivery;
  /** @throws UserError conflict when another process has taken it over */
  patch(change: Omit<PatchDelivery, "revision">): Promise<void>;
  /** Keeps the lease alive until `signal` aborts; rejects when it is lost. */
  renew(signal: AbortSignal): Promise<void>;
}

export function createHold(functions: FunctionClient, clock: Clock, bot: Identity, claimed: Delivery): Hold {
  let delivery = claimed;
  let queue: Promise<unknown> = Promise.resolve();
  const patch = (change: Omit<PatchDelivery, "revision">) => {
    const next = queue.then(async () => {
      const body = { ...change, revision: delivery.revision };
      delivery = await functions.call(routes.patchDelivery, bot, { id: delivery.id, body });
    });
    queue = next.catch(() => undefined);
    return next;
  };
  return {
    current: () => delivery,
    patch,
    async renew(signal) {
      while (!signal.aborted) {
        await clock.sleep(renewMs, signal).catch(() => undefined);
        if (signal.aborted || delivery.holder === null) return;
        const holder = { id: delivery.holder.id, untilMs: clock.now() + leaseMs };
        await patch({ holder }).catch((error: unknown) => {
          // A gateway that is away for a moment costs nothing; somebody else's claim costs the hold.
          if (error instanceof UserError && error.code !== "unavailable") throw error;
        });
      }
    },
  };
}

import { z } from "zod";
import { Delivery, type PatchDelivery } from "../../shared/api.ts";
import type { Id } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { listAll, type Store } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import { createDocument, readDocument, updateDocument } from "./document.ts";
import { markExpiry } from "./expiry.ts";
import type { Log } from "./log.ts";

const keyOf = (id: Id) => `deliveries/${id}.json`;
const markerOf = (id: Id) => `undelivered/${id}`;
const Marker = z.strictObject({});

/** Where the bot tells people about their jobs, so that a restarted bot goes on with the same messages. */
export interface Deliveries {
  /** Creates it unless it exists; answers what is stored. */
  create(delivery: Omit<Delivery, "revision" | "done">): Promise<Delivery>;
  read(id: Id): Promise<Delivery | undefined>;
  /** Everything not done. A record that is damaged is logged and left out: the others' messages go on. */
  open(): Promise<readonly Delivery[]>;
  /** @throws UserError conflict when the revision is another, not_found */
  patch(id: Id, patch: PatchDelivery): Promise<Delivery>;
}

export interface DeliveriesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

export function createDeliveries({ store, clock, log }: DeliveriesDeps): Deliveries {
  const read = (id: Id) => readDocument(store, keyOf(id), Delivery);
  return {
    read,
    async create(delivery) {
      const fresh: Delivery = { ...delivery, revision: 1, done: false };
      await markExpiry(store, keyOf(delivery.id), clock.now());
      // The marker first: one without a delivery is skipped, a delivery without one would be forgotten by a restarted bot.
      if ((await read(delivery.id)) === undefined) await createDocument(store, markerOf(delivery.id), Marker, {});
      await createDocument(store, keyOf(delivery.id), Delivery, fresh);
      return (await read(delivery.id)) ?? fresh;
    },
    async open() {
      const open: Delivery[] = [];
      for await (const { key } of listAll(store, "undelivered/")) {
        const id = key.slice("undelivered/".length);
        const delivery = await read(id).catch((error: unknown) => {
          if (error instanceof UserError) throw error;
          log.error("a damaged delivery is left out", { delivery: id, error });
        });
        if (delivery !== undefined && !delivery.done) open.push(delivery);
        else if (delivery?.done === true) await store.delete(key);
      }
      return open;
    },
    async patch(id, patch) {
      const after = await updateDocument(store, keyOf(id), Delivery, (delivery) => {
        if (delivery === undefined) return undefined;
        if (delivery.revision !== patch.revision) {
          throw new UserError(
            "conflict",
            `The delivery has revision ${delivery.revision}, not ${patch.revision}: another bot process follows it.`,
          );
        }
        return {
          ...delivery,
          revision: delivery.revision + 1,
          address: patch.address ?? delivery.address,
          holder: patch.holder === undefined ? delivery.holder : patch.holder,
          done: delivery.done || patch.done === true,
        };
      });
      if (after === undefined) throw new UserError("not_found", `There is no delivery ${id}.`);
      if (after.done) await store.delete(markerOf(id));
      return after;
    },
  };
}

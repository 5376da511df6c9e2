import type { StoreKey } from "../../shared/concept.ts";
import { limits } from "../../shared/limits.ts";
import { listAll, type Store } from "../store/store.ts";

// `expire/<day>/<path>` says: from that day on, everything at or under <path> that has not been written again since may go.
// Markers sort by day, so a sweep reads what is due and nothing else.

const dayMs = 86_400_000;
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Lets `path` (a key, or the folder of keys) expire `limits.keepFinishedDays` full days after `createdAt` (ms since 1970). */
export async function markExpiry(store: Store, path: StoreKey, createdAt: number): Promise<void> {
  const due = dayOf(createdAt + (limits.keepFinishedDays + 1) * dayMs);
  await store.put(`expire/${due}/${path}`, new Uint8Array(), { ifNoneMatch: "*" });
}

/** Removes what is due. Returns how many objects went. */
export async function sweepExpired(store: Store, now: number): Promise<number> {
  const today = dayOf(now);
  let removed = 0;
  for await (const { key } of listAll(store, "expire/")) {
    const [, day = "", ...rest] = key.split("/");
    if (day > today) break;
    removed += await removeOld(store, rest.join("/"), now - limits.keepFinishedDays * dayMs);
    await store.delete(key);
  }
  return removed;
}

async function removeOld(store: Store, path: StoreKey, before: number): Promise<number> {
  let removed = 0;
  const single = await store.head(path);
  if (single !== undefined && single.modified.getTime() < before && (await store.delete(path))) removed++;
  for await (const { key, modified } of listAll(store, `${path}/`)) {
    if (modified.getTime() < before && (await store.delete(key))) removed++;
  }
  return removed;
}

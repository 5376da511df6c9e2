import type { StoreKey } from "../../shared/concept.ts";
import { limits } from "../../shared/limits.ts";
import { listAll, type Store, type StoredHead } from "../store/store.ts";

// `expire/<day>/<path>` says: from that day on, everything at or under <path> that has not been written again since may go.
// What has is marked anew by the time of its last change. Markers sort by day, so a sweep reads what is due and nothing else.

const dayMs = 86_400_000;
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Lets `path` (a key, or the folder of keys) expire `limits.keepFinishedDays` full days after `createdAt` (ms since 1970). */
export async function markExpiry(store: Store, path: StoreKey, createdAt: number): Promise<void> {
  const due = dayOf(createdAt + (limits.keepFinishedDays + 1) * dayMs);
  await store.put(`expire/${due}/${path}`, new Uint8Array(), { ifNoneMatch: "*" });
}

/** Removes what is due. Swept every hour, each object goes `limits.keepFinishedDays` after it was last written, or up to a day
 * later. Returns how many went. */
export async function sweepExpired(store: Store, now: number): Promise<number> {
  const today = dayOf(now);
  let removed = 0;
  for await (const { key } of listAll(store, "expire/")) {
    const [, day = "", ...rest] = key.split("/");
    if (day > today) break;
    const path = rest.join("/");
    const old = await removeOld(store, path, now - limits.keepFinishedDays * dayMs);
    removed += old.removed;
    // Before its marker goes, so that a sweep cut short loses nothing. Always for a later day: this loop ends.
    if (old.kept !== undefined) await markExpiry(store, path, old.kept);
    await store.delete(key);
  }
  return removed;
}

/** How many objects went, and when the oldest of those that stay was written (ms since 1970). */
async function removeOld(
  store: Store,
  path: StoreKey,
  before: number,
): Promise<{ readonly removed: number; readonly kept: number | undefined }> {
  let removed = 0;
  let kept: number | undefined;
  const look = async ({ key, modified }: StoredHead): Promise<void> => {
    const written = modified.getTime();
    if (written >= before) kept = Math.min(kept ?? written, written);
    else if (await store.delete(key)) removed++;
  };
  const single = await store.head(path);
  if (single !== undefined) await look(single);
  for await (const found of listAll(store, `${path}/`)) await look(found);
  return { removed, kept };
}

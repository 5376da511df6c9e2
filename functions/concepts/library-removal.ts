import type { ConceptMeta, Id, Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { listAll, type Store } from "../store/store.ts";
import { conceptFolder, deletedFolder, deletedKey, idFromKey, metaKey, ownerFolder, ownerKey } from "./library-keys.ts";
import { dropPointer, findPointers, nameForOwner, nameWhereShared } from "./library-names.ts";
import { changeRecord, encodeJson, inspectRecord, passportOf, readRecord, requireOwned } from "./library-record.ts";

const undoMs = 7 * 24 * 3_600_000;
/** Purging waits a little longer, so that clocks that differ cannot purge what is being restored. */
const purgeMs = undoMs + 3_600_000;

const iso = (ms: number): string => new Date(ms).toISOString();

/** See ConceptLibrary.delete. Names stay behind, pointing at something deleted, which frees them for others. */
export async function deleteConcept(
  store: Store,
  id: Id,
  viewer: Viewer,
  nowMs: number,
): Promise<{ undoUntil: string }> {
  await requireOwned(store, id, viewer);
  await store.put(deletedKey(id), encodeJson({ id }));
  const record = await changeRecord(store, id, (old) => ({ ...old, deleted: old.deleted ?? iso(nowMs) }));
  return { undoUntil: iso(Date.parse(record?.deleted ?? iso(nowMs)) + undoMs) };
}

/** See ConceptLibrary.restore. */
export async function restoreConcept(store: Store, id: Id, viewer: Viewer, nowMs: number): Promise<ConceptMeta> {
  const gone = new UserError(
    "not_found",
    "There is nothing of yours to bring back here: it was never deleted, or more than 7 days ago.",
  );
  const restored = await changeRecord(store, id, ({ deleted, ...old }) => {
    const inTime = deleted !== undefined && nowMs < Date.parse(deleted) + undoMs;
    if (old.owner.id !== viewer.user.id || !inTime) throw gone;
    return old;
  });
  if (restored === undefined) throw gone;
  const record = await nameForOwner(store, restored);
  await nameWhereShared(store, record);
  await store.delete(deletedKey(id));
  return passportOf(record);
}

/** See ConceptLibrary.purge. */
export async function purgeDeleted(store: Store, nowMs: number): Promise<number> {
  let purged = 0;
  for await (const { key } of listAll(store, deletedFolder)) {
    const id = idFromKey(key);
    const record = await readRecord(store, id);
    if (record?.deleted === undefined) {
      // Destroyed already. A mark beside a record that is not deleted stays: the deletion may just be beginning.
      if (record === undefined) await store.delete(key);
    } else if (nowMs >= Date.parse(record.deleted) + purgeMs) {
      await destroy(store, record.owner.id, id, { removed: 0, failed: 0 });
      purged++;
    }
  }
  return purged;
}

/** Stored objects that went, and refusals of the store. */
interface Total {
  removed: number;
  failed: number;
}

/** See ConceptLibrary.forget. */
export async function forgetPerson(store: Store, viewer: Viewer, nowMs: number): Promise<Total> {
  const total = { removed: 0, failed: 0 };
  for await (const { key } of listAll(store, ownerFolder(viewer.user.id))) {
    const id = idFromKey(key);
    // What keeps one concept from going does not keep the next.
    await attempt(total, async () => {
      await erase(store, viewer.user.id, id, nowMs, total);
      return 0;
    });
  }
  return total;
}

/** Takes a concept from everybody and destroys it, if it is this person's. A damaged record is believed as far as it tells
 * whose it is; where it does not, the mark in the owner's list counts, which only saving writes. Counts in `total`. */
async function erase(store: Store, owner: Id, id: Id, nowMs: number, total: Total): Promise<void> {
  const found = await inspectRecord(store, id);
  if (found?.owner !== undefined && found.owner !== owner) return;
  if (found?.record !== undefined) {
    await changeRecord(store, id, (old) => ({ ...old, deleted: old.deleted ?? iso(nowMs) }));
  }
  await destroy(store, owner, id, total);
}

/** Counts how many objects `remove` removed, or that the store refused. */
async function attempt(total: Total, remove: () => Promise<number | boolean>): Promise<void> {
  try {
    // Awaited first: attempts are nested, and `+=` would add to what `total` was before the inner ones.
    const removed = Number(await remove());
    total.removed += removed;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    total.failed += 1;
  }
}

/** Removes a concept from the store: names, pictures, rows, and only when all went the record and the marks by which it is
 * found, so that a run that was cut short can be repeated. Counts in `total`. */
async function destroy(store: Store, owner: Id, id: Id, total: Total): Promise<void> {
  const failedBefore = total.failed;
  const found = await inspectRecord(store, id);
  const nameKeys = found && (found.record?.nameKeys ?? (await findPointers(store, id)));
  for (const key of nameKeys ?? []) await attempt(total, () => dropPointer(store, key, id));
  for await (const { key } of listAll(store, conceptFolder(id))) {
    if (key !== metaKey(id)) await attempt(total, () => store.delete(key));
  }
  if (total.failed > failedBefore) return;
  await attempt(total, () => store.delete(metaKey(id)));
  await attempt(total, () => store.delete(deletedKey(id)));
  await attempt(total, () => store.delete(ownerKey(owner, id)));
}

import { z } from "zod";
import { type ConceptMeta, Id, type Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { listAll, type Store } from "../store/store.ts";
import { listDeleted } from "./find-deleted.ts";
import { conceptFolder, deletedFolder, deletedKey, idFromKey, metaKey, ownerFolder, ownerKey } from "./library-keys.ts";
import { dropPointer, findPointers, nameForOwner, nameWhereShared } from "./library-names.ts";
import {
  changeRecord,
  encodeJson,
  inspectRecord,
  passportOf,
  readRecord,
  requireOwned,
  tryDecode,
} from "./library-record.ts";

const undoMs = 7 * 24 * 3_600_000;
/** Purging waits a little longer, so that clocks that differ cannot purge what is being restored. */
const purgeMs = undoMs + 3_600_000;

/** What the mark of a concept holds that has no undo time: whose erasing is to be ended by the next purge. */
const Forgotten = z.object({ forgottenBy: Id });

const iso = (ms: number): string => new Date(ms).toISOString();
const undoUntil = (deleted: string): string => iso(Date.parse(deleted) + undoMs);
const isInTime = (deleted: string, nowMs: number): boolean => nowMs < Date.parse(deleted) + undoMs;

/** See ConceptLibrary.delete. Names stay behind, pointing at something deleted, which frees them for others. Asked again, by a
 * client that lost the answer, it answers the same. */
export async function deleteConcept(
  store: Store,
  id: Id,
  viewer: Viewer,
  nowMs: number,
): Promise<{ undoUntil: string }> {
  const { owner, deleted } = (await readRecord(store, id)) ?? {};
  if (owner?.id === viewer.user.id && deleted !== undefined && isInTime(deleted, nowMs)) {
    return { undoUntil: undoUntil(deleted) };
  }
  await requireOwned(store, id, viewer);
  await store.put(deletedKey(id), encodeJson({ id }));
  const record = await changeRecord(store, id, (old) => ({ ...old, deleted: old.deleted ?? iso(nowMs) }));
  return { undoUntil: undoUntil(record?.deleted ?? iso(nowMs)) };
}

/** See ConceptLibrary.restore. Asked again it ends what was cut short, and answers the same. */
export async function restoreConcept(store: Store, id: Id, viewer: Viewer, nowMs: number): Promise<ConceptMeta> {
  const gone = new UserError(
    "not_found",
    "There is nothing of yours to bring back here: no such concept is there, or it was deleted more than 7 days ago.",
  );
  let wasDeleted = false;
  const restored = await changeRecord(store, id, ({ deleted, ...old }) => {
    wasDeleted = deleted !== undefined;
    if (old.owner.id !== viewer.user.id || (deleted !== undefined && !isInTime(deleted, nowMs))) throw gone;
    return old;
  });
  if (restored === undefined) throw gone;
  const record = await nameForOwner(store, restored);
  await nameWhereShared(store, record);
  // Beside a record that was not deleted it may be a deletion that just begins.
  if (wasDeleted) await store.delete(deletedKey(id));
  return passportOf(record);
}

/** See ConceptLibrary.deleted. */
export async function listRestorable(
  store: Store,
  viewer: Viewer,
  nowMs: number,
): Promise<readonly { readonly meta: ConceptMeta; readonly undoUntil: string }[]> {
  const inTime = (await listDeleted(store, viewer)).filter(({ deleted }) => isInTime(deleted, nowMs));
  return inTime.map((record) => ({ meta: passportOf(record), undoUntil: undoUntil(record.deleted) }));
}

/** See ConceptLibrary.purge. */
export async function purgeDeleted(store: Store, nowMs: number): Promise<number> {
  let purged = 0;
  let failure: Error | undefined;
  for await (const { key } of listAll(store, deletedFolder)) {
    try {
      if (await purgeMarked(store, idFromKey(key), nowMs)) purged++;
    } catch (cause) {
      // What keeps one concept from going does not keep the next, and is told afterwards.
      failure ??= new Error(`what ${key} marks cannot be purged`, { cause });
    }
  }
  if (failure !== undefined) throw failure;
  return purged;
}

/** True when it destroyed all of the concept. */
async function purgeMarked(store: Store, id: Id, nowMs: number): Promise<boolean> {
  const total = { removed: 0, failed: 0 };
  const mark = await store.get(deletedKey(id));
  const forgotten = mark && tryDecode(Forgotten, mark.data);
  if (forgotten !== undefined) {
    await erase(store, forgotten.forgottenBy, id, nowMs, total);
    return total.failed === 0;
  }
  const record = await readRecord(store, id);
  // Destroyed already. A mark beside a record that is not deleted stays: the deletion may just be beginning.
  if (record === undefined) await store.delete(deletedKey(id));
  if (record?.deleted === undefined || nowMs < Date.parse(record.deleted) + purgeMs) return false;
  await erase(store, record.owner.id, id, nowMs, total);
  return total.failed === 0;
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

/** Destroys a concept, if it is this person's. From the first write on the next purge ends what is cut short or refused, and
 * nobody brings half of it back: its record says that it was deleted longer ago than anything can be restored. A damaged
 * record is believed as far as it tells whose it is; where it does not, the mark in the owner's list counts, which only saving
 * writes. Counts in `total`. */
async function erase(store: Store, owner: Id, id: Id, nowMs: number, total: Total): Promise<void> {
  const found = await inspectRecord(store, id);
  if (found?.owner !== undefined && found.owner !== owner) return;
  await store.put(deletedKey(id), encodeJson({ id, forgottenBy: owner }));
  if (found?.record !== undefined) {
    await changeRecord(store, id, (old) => ({ ...old, deleted: iso(nowMs - purgeMs) }));
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
 * found, the purge's last, so that a run that was cut short can be repeated. Counts in `total`. */
async function destroy(store: Store, owner: Id, id: Id, total: Total): Promise<void> {
  const failedBefore = total.failed;
  const found = await inspectRecord(store, id);
  const nameKeys = found && (found.record?.nameKeys ?? (await findPointers(store, id)));
  for (const key of nameKeys ?? []) await attempt(total, () => dropPointer(store, key, id));
  for await (const { key } of listAll(store, conceptFolder(id))) {
    if (key !== metaKey(id)) await attempt(total, () => store.delete(key));
  }
  for (const key of [metaKey(id), ownerKey(owner, id), deletedKey(id)]) {
    if (total.failed > failedBefore) return;
    await attempt(total, () => store.delete(key));
  }
}

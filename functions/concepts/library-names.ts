import { z } from "zod";
import { Id, type StoreKey } from "../../shared/concept.ts";
import type { ConceptName } from "../../shared/concept-name.ts";
import { limits } from "../../shared/limits.ts";
import { listAll, type Store } from "../store/store.ts";
import { barredFolder, nameKey, namesFolder, type Place, sharedKey } from "./library-keys.ts";
import {
  type ConceptRecord,
  changeRecord,
  encodeJson,
  inspectRecord,
  tryDecode,
  withNameKeys,
} from "./library-record.ts";

/** What a name key holds. */
const Pointer = z.object({ id: Id });

/** The id under a name key; undefined for one that is absent or damaged. */
export async function readPointer(store: Store, key: StoreKey): Promise<Id | undefined> {
  const found = await store.get(key);
  return found && tryDecode(Pointer, found.data)?.id;
}

/** True when the concept still goes by this name in this place; names of deleted and moved ones are free. */
export const holdsName = (record: ConceptRecord | undefined, place: Place, name: ConceptName): boolean =>
  record !== undefined &&
  record.deleted === undefined &&
  record.name === name &&
  (place.scope === "private"
    ? record.owner.id === place.scopeId
    : record.scope === place.scope && record.scopeId === place.scopeId);

/** Takes a plain name in a place: created if absent, or over a concept that no longer holds it. False when it is taken, or so
 * damaged that nobody can tell. */
export async function takeName(store: Store, place: Place, name: ConceptName, id: Id): Promise<boolean> {
  const key = nameKey(place, name);
  for (;;) {
    if ((await store.put(key, encodeJson({ id }), { ifNoneMatch: "*" })).ok) return true;
    const found = await store.get(key);
    if (found === undefined) continue;
    const holder = tryDecode(Pointer, found.data)?.id;
    if (holder === id) return true;
    if (holder === undefined) return false;
    const held = await inspectRecord(store, holder);
    if (held !== undefined && (held.record === undefined || holdsName(held.record, place, name))) return false;
    if ((await store.put(key, encodeJson({ id }), { ifMatch: found.version })).ok) return true;
  }
}

/** Removes a name key if it is this concept's, or so damaged that it is nobody's; true when it was. */
export async function dropPointer(store: Store, key: StoreKey, id: Id): Promise<boolean> {
  const found = await store.get(key);
  if (found === undefined) return false;
  const pointer = tryDecode(Pointer, found.data);
  return (pointer === undefined || pointer.id === id) && store.delete(key);
}

/** The keys that point at a concept whose record does not tell them any more: reads every one there is. */
export async function findPointers(store: Store, id: Id): Promise<readonly StoreKey[]> {
  const keys: StoreKey[] = [];
  for (const folder of [namesFolder, barredFolder]) {
    for await (const { key } of listAll(store, folder)) {
      if ((await readPointer(store, key)) === id) keys.push(key);
    }
  }
  return keys;
}

export const privatePlace = (owner: Id): Place => ({ scope: "private", scopeId: owner });

/** Gives a concept its name among its owner's: its own or, where that is taken, one with a number. */
export async function nameForOwner(store: Store, record: ConceptRecord): Promise<ConceptRecord> {
  const place = privatePlace(record.owner.id);
  let named = record;
  for (let number = 2; !(await takeName(store, place, named.name, record.id)); number++) {
    const suffix = `-${number}`;
    const base = Array.from(record.name).slice(0, limits.maxConceptNameCharacters - suffix.length);
    const name = base.join("") + suffix;
    const change = (old: ConceptRecord) => withNameKeys({ ...old, name }, [nameKey(place, name)]);
    named = (await changeRecord(store, record.id, change)) ?? named;
  }
  return named;
}

/** The name keys of a concept shared in a place: by name and owner, and the plain one. */
export const sharedKeys = (
  place: Place,
  { name, owner }: Pick<ConceptRecord, "name" | "owner">,
): readonly StoreKey[] => (place.scope === "private" ? [] : [sharedKey(place, name, owner.id), nameKey(place, name)]);

/** Makes a shared concept findable where it is shared: always by owner and name, and by the plain name unless that is taken.
 * Answers whether it has the plain name. */
export async function nameWhereShared(store: Store, record: ConceptRecord): Promise<boolean> {
  if (record.scope === "private") return true;
  const noted = await changeRecord(store, record.id, (old) => withNameKeys(old, sharedKeys(record, record)));
  if (noted === undefined) return false;
  await store.put(sharedKey(record, record.name, record.owner.id), encodeJson({ id: record.id }));
  return takeName(store, record, record.name, record.id);
}

import type { Id, Viewer } from "../../shared/concept.ts";
import type { ConceptName } from "../../shared/concept-name.ts";
import { listAll, type Store } from "../store/store.ts";
import { idFromKey, ownerFolder } from "./library-keys.ts";
import { type ConceptRecord, inspectRecord } from "./library-record.ts";

export type DeletedRecord = ConceptRecord & { readonly deleted: string };

/** The viewer's own concepts that are deleted, the last one first, those whose time is over too. Damaged records are left out. */
export async function listDeleted(store: Store, viewer: Viewer): Promise<readonly DeletedRecord[]> {
  const found: DeletedRecord[] = [];
  for await (const { key } of listAll(store, ownerFolder(viewer.user.id))) {
    const record = (await inspectRecord(store, idFromKey(key)))?.record;
    if (record?.deleted === undefined || record.owner.id !== viewer.user.id) continue;
    found.push({ ...record, deleted: record.deleted });
  }
  return found.sort((a, b) => (a.deleted > b.deleted ? -1 : 1));
}

/** The id of the viewer's own concept that was deleted last under a name. Whether it is still in time, `restore` says. */
export async function findDeleted(store: Store, name: ConceptName, viewer: Viewer): Promise<Id | undefined> {
  return (await listDeleted(store, viewer)).find((record) => record.name === name)?.id;
}

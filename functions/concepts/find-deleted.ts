import type { Id, Viewer } from "../../shared/concept.ts";
import type { ConceptName } from "../../shared/concept-name.ts";
import { listAll, type Store } from "../store/store.ts";
import { idFromKey, ownerFolder } from "./library-keys.ts";
import { inspectRecord } from "./library-record.ts";

/** The id of the viewer's own concept that was deleted last under a name. Whether it is still in time, `restore` says. Damaged
 * records are left out. */
export async function findDeleted(store: Store, name: ConceptName, viewer: Viewer): Promise<Id | undefined> {
  let last: { readonly id: Id; readonly deleted: string } | undefined;
  for await (const { key } of listAll(store, ownerFolder(viewer.user.id))) {
    const record = (await inspectRecord(store, idFromKey(key)))?.record;
    if (record?.deleted === undefined || record.name !== name || record.owner.id !== viewer.user.id) continue;
    if (last === undefined || record.deleted > last.deleted) last = { id: record.id, deleted: record.deleted };
  }
  return last?.id;
}

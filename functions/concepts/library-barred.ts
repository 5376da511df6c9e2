import { type ConceptMeta, Id, type Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { listAll, type Store } from "../store/store.ts";
import { barredFolder, barredKey, idFromKey } from "./library-keys.ts";
import { listed } from "./library-lookup.ts";
import { privatePlace } from "./library-names.ts";
import {
  type ConceptRecord,
  changeRecord,
  encodeJson,
  inspectRecord,
  passportOf,
  withNameKeys,
} from "./library-record.ts";

// What a moderator took out of a server stays out of it, whatever its owner does, until a moderator lets it in again. The record
// says so; the keys under barred/ only find the records.

/** True when a moderator took it out of the viewer's server. */
export const isBarred = ({ barredFrom }: ConceptRecord, { server }: Viewer): boolean =>
  server !== undefined && barredFrom.includes(server);

/** Makes what is about to be barred findable for the moderators of the server. */
export async function noteBarred(store: Store, id: Id, server: Id): Promise<void> {
  const key = barredKey(server, id);
  const noted = await changeRecord(store, id, (old) => withNameKeys(old, [key]));
  if (noted !== undefined) await store.put(key, encodeJson({ id }));
}

/** The record out of the server: private, unless its owner shared it elsewhere meanwhile. */
export function takenOut(record: ConceptRecord, server: Id): ConceptRecord {
  const isThere = record.scope === "server" && record.scopeId === server;
  return {
    ...record,
    ...(isThere && privatePlace(record.owner.id)),
    barredFrom: [...new Set([...record.barredFrom, server])],
  };
}

/** The record as the viewer's server may have it. @throws UserError forbidden where a moderator has to say so first */
export function letIn(record: ConceptRecord, viewer: Viewer): ConceptRecord {
  if (!isBarred(record, viewer)) return record;
  if (viewer.moderator) return { ...record, barredFrom: record.barredFrom.filter((each) => each !== viewer.server) };
  throw new UserError(
    "forbidden",
    `A moderator took <${record.name}> out of this server. It stays out until a moderator lets it in again: ask one of them.`,
  );
}

/** See ConceptLibrary.letIn. The key outlives the decision: asked again, by a client that lost the answer, it answers the same. */
export async function letInConcept(store: Store, id: Id, viewer: Viewer): Promise<ConceptMeta> {
  const absent = new UserError("not_found", "No moderator took such a concept out of this server.");
  if (!viewer.moderator || viewer.server === undefined || !Id.safeParse(id).success) throw absent;
  if ((await store.head(barredKey(viewer.server, id))) === undefined) throw absent;
  const record = await changeRecord(store, id, (old) => {
    if (old.deleted !== undefined) throw absent;
    return letIn(old, viewer);
  });
  if (record === undefined) throw absent;
  return passportOf(record);
}

/** See ConceptLibrary.barred. */
export async function listBarred(
  store: Store,
  viewer: Viewer,
  options: { readonly prefix?: string; readonly limit?: number } = {},
): Promise<readonly ConceptMeta[]> {
  if (!viewer.moderator || viewer.server === undefined) return [];
  const { begin, wanted } = listed(options);
  const found: ConceptMeta[] = [];
  for await (const { key } of listAll(store, `${barredFolder}${viewer.server}/`)) {
    const record = (await inspectRecord(store, idFromKey(key)))?.record;
    if (record === undefined || record.deleted !== undefined || !isBarred(record, viewer)) continue;
    if (record.name.startsWith(begin)) found.push(passportOf(record));
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, wanted);
}

import type { ConceptMeta, Id, Scope, Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Store } from "../store/store.ts";
import { type Place, publicPlace } from "./library-keys.ts";
import { dropPointer, nameWhereShared, privatePlace, sharedKeys } from "./library-names.ts";
import { type ConceptRecord, changeRecord, passportOf, requireOwned, requireVisible } from "./library-record.ts";

/** See ConceptLibrary.share. */
export async function shareConcept(
  store: Store,
  id: Id,
  viewer: Viewer,
  scope: Scope,
): Promise<{ readonly meta: ConceptMeta; readonly plain: boolean; readonly reference: string }> {
  const before = await requireChangeable(store, id, viewer, scope);
  const place = placeFor(scope, viewer, before);
  const after = await changeRecord(store, id, (old) => {
    if (old.deleted !== undefined) throw new UserError("not_found", "The concept was deleted; restore it first.");
    return { ...old, ...place };
  });
  const record = after ?? before;
  const plain = await nameWhereShared(store, record);
  const moved = before.scope !== record.scope || before.scopeId !== record.scopeId;
  if (moved) for (const key of sharedKeys(before, before)) await dropPointer(store, key, id);
  const reference = plain ? record.name : `${record.owner.name}/${record.name}`;
  return { meta: passportOf(record), plain, reference };
}

/** Owners change everything; moderators take concepts out of their own server. */
async function requireChangeable(store: Store, id: Id, viewer: Viewer, scope: Scope): Promise<ConceptRecord> {
  const record = await requireVisible(store, id, viewer);
  const isTheirs = record.scope === "server" && record.scopeId === viewer.server;
  return viewer.moderator && scope === "private" && isTheirs ? record : requireOwned(store, id, viewer);
}

function placeFor(scope: Scope, viewer: Viewer, record: ConceptRecord): Place {
  if (scope === "private") return privatePlace(record.owner.id);
  if (scope === "public") return publicPlace;
  if (viewer.server !== undefined) return { scope, scopeId: viewer.server };
  throw new UserError("bad_request", "Sharing with a server works inside that server; this is not one.");
}

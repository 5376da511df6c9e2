import type { ConceptMeta, Id, Scope, Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { leavesOf } from "../../shared/family-tree.ts";
import type { Store } from "../store/store.ts";
import { isBarred, letIn, noteBarred, takenOut } from "./library-barred.ts";
import { type Place, publicPlace } from "./library-keys.ts";
import { dropPointer, nameWhereShared, privatePlace, sharedKeys } from "./library-names.ts";
import {
  type ConceptRecord,
  changeRecord,
  isSharedWith,
  passportOf,
  readRecord,
  requireOwned,
} from "./library-record.ts";

/** See ConceptLibrary.share. */
export async function shareConcept(
  store: Store,
  id: Id,
  viewer: Viewer,
  scope: Scope,
): Promise<{
  readonly meta: ConceptMeta;
  readonly changed: boolean;
  readonly plain: boolean;
  readonly reference: string;
}> {
  const before = await requireChangeable(store, id, viewer, scope);
  const place = placeFor(scope, viewer, before);
  if (scope !== "private") await requireSharedParents(store, before, place);
  const takenFrom = before.owner.id === viewer.user.id ? undefined : viewer.server;
  if (takenFrom !== undefined) await noteBarred(store, id, takenFrom);
  const record = await changeRecord(store, id, (old) => {
    if (old.deleted !== undefined) throw new UserError("not_found", "The concept was deleted; restore it first.");
    if (takenFrom !== undefined) return takenOut(old, takenFrom);
    return { ...(scope === "server" ? letIn(old, viewer) : old), ...place };
  });
  if (record === undefined) throw new UserError("not_found", "The concept is gone: its owner erased it just now.");
  const plain = await nameWhereShared(store, record);
  const changed = before.scope !== record.scope || before.scopeId !== record.scopeId;
  if (changed) for (const key of sharedKeys(before, before)) await dropPointer(store, key, id);
  const reference = plain ? record.name : `${record.owner.name}/${record.name}`;
  return { meta: passportOf(record), changed, plain, reference };
}

/** Owners change everything; moderators take concepts out of their own server, and asked again, by a client that lost the answer,
 * what is out already. */
async function requireChangeable(store: Store, id: Id, viewer: Viewer, scope: Scope): Promise<ConceptRecord> {
  if (viewer.moderator && scope === "private") {
    const record = await readRecord(store, id);
    const isTheirs = record?.scope === "server" && record.scopeId === viewer.server;
    if (record && record.deleted === undefined && (isTheirs || isBarred(record, viewer))) return record;
  }
  return requireOwned(store, id, viewer);
}

function placeFor(scope: Scope, viewer: Viewer, record: ConceptRecord): Place {
  if (scope === "private") return privatePlace(record.owner.id);
  if (scope === "public") return publicPlace;
  if (viewer.server !== undefined) return { scope, scopeId: viewer.server };
  throw new UserError("bad_request", "Sharing with a server works inside that server; this is not one.");
}

/** A blend draws with its parents' rows, so it is of use only where they are shared too. Sharing it never shares them: that is
 * each owner's own decision. @throws UserError conflict that names the parents which the place does not see */
async function requireSharedParents(store: Store, { name, blend = [] }: ConceptRecord, place: Place): Promise<void> {
  const server = place.scope === "server" ? place.scopeId : undefined;
  const hidden = new Map<Id, string>();
  for (const leaf of leavesOf(blend)) {
    if ("words" in leaf) continue;
    const parent = await readRecord(store, leaf.id);
    if (parent === undefined || !isSharedWith(parent, server)) hidden.set(leaf.id, `<${leaf.name}> by ${leaf.owner}`);
  }
  if (hidden.size === 0) return;
  const [lack, step] =
    place.scope === "public" ? ["public", "Make them public"] : ["shared with this server", "Share them"];
  throw new UserError(
    "conflict",
    `<${name}> is blended from words that are not ${lack}, or are gone: ${[...hidden.values()].join(", ")}. ${step} first, or blend anew without them.`,
  );
}

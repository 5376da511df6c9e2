import type { ConceptMeta, Id, Scope, Viewer } from "../../shared/concept.ts";
import type { ConceptReference } from "../../shared/prompt.ts";
import type { Store } from "../store/store.ts";
import type { Concept } from "./concept-file.ts";
import { letInConcept, listBarred } from "./library-barred.ts";
import { listConcepts, resolveReference } from "./library-lookup.ts";
import { relearnConcept, saveConcept } from "./library-publish.ts";
import { passportOf, readConcept, requireVisible } from "./library-record.ts";
import { deleteConcept, forgetPerson, listRestorable, purgeDeleted, restoreConcept } from "./library-removal.ts";
import { shareConcept } from "./library-share.ts";

/** The concepts of everybody, and who may do what with them: authorisation lives here and nowhere else. What a viewer may not
 * see is `not_found` by every route, as if it did not exist; what they see but may not change is `forbidden`.
 * A viewer of undefined is a stranger and sees public concepts only. */
export interface ConceptLibrary {
  /** Publishes a learned or imported concept of `concept.meta.owner`, as private. Rows first, then what names them: a name
   * that the owner has already gets a number (`mycat-2`), told by the answer's name. Saving one id again joins.
   * @throws UserError conflict when the id is that of somebody else's, a deleted one, or one of another base model; bad_concept,
   * before anything is written, for a passport that could not be read again */
  save(concept: Concept): Promise<ConceptMeta>;
  /** As `save`, for a blend: the passport alone, see blend-concept. */
  saveBlend(meta: ConceptMeta & { readonly blend: NonNullable<ConceptMeta["blend"]> }): Promise<ConceptMeta>;
  /** Adds a version to a concept of the viewer's and makes it the current one. Name, scope and owner stay. */
  relearn(id: Id, viewer: Viewer, concept: Concept): Promise<ConceptMeta>;
  /** The concept that a name means: mine → this server's → public; `owner/name` (id or user name) exactly that person's.
   * @throws UserError not_found, with the nearest visible name */
  resolve(reference: Pick<ConceptReference, "owner" | "name">, viewer: Viewer | undefined): Promise<ConceptMeta>;
  get(id: Id, viewer: Viewer | undefined): Promise<ConceptMeta>;
  /** Passport and rows; of an older version when asked for. */
  load(id: Id, viewer: Viewer | undefined, version?: number): Promise<Concept>;
  /** Visible concepts: mine first, then this server's, then public ones, each by name. `prefix`: names that begin so.
   * `limit` 1–1,000, 100 when absent. */
  list(
    viewer: Viewer | undefined,
    options?: { readonly prefix?: string; readonly owner?: "anyone" | "me"; readonly limit?: number },
  ): Promise<readonly ConceptMeta[]>;
  /** Changes who sees it: owner only; a moderator may make a concept of their server private, and it stays out of that server until
   * a moderator lets it in. `server` is the viewer's server.
   * Where the plain name is taken both keep it, and `plain` is false: others reach this one by `reference`, owner/name.
   * Asked again it answers the same, but for `changed`.
   * @throws UserError conflict for a blend with a parent that is not shared as widely, see library-share; forbidden where a
   * moderator took it out */
  share(
    id: Id,
    viewer: Viewer,
    scope: Scope,
  ): Promise<{
    readonly meta: ConceptMeta;
    readonly changed: boolean;
    readonly plain: boolean;
    readonly reference: string;
  }>;
  /** What moderators took out of the viewer's server and have not let in again, by name; nothing for who is no moderator of it.
   * `prefix` and `limit` as in `list`. */
  barred(
    viewer: Viewer,
    options?: { readonly prefix?: string; readonly limit?: number },
  ): Promise<readonly ConceptMeta[]>;
  /** Lets its owner share it with the viewer's server again; shares nothing itself. @throws UserError not_found */
  letIn(id: Id, viewer: Viewer): Promise<ConceptMeta>;
  /** Gone for everybody at once; `restore` brings it back until `undoUntil`. Owner only. */
  delete(id: Id, viewer: Viewer): Promise<{ readonly undoUntil: string }>;
  /** What the viewer can restore, the one deleted last first. */
  deleted(viewer: Viewer): Promise<readonly { readonly meta: ConceptMeta; readonly undoUntil: string }[]>;
  /** As it is, where it is not deleted. @throws UserError not_found when it is not the viewer's, or the time is over */
  restore(id: Id, viewer: Viewer): Promise<ConceptMeta>;
  /** Destroys what was deleted longer ago than the undo time, and what `forget` could not. Answers how many concepts.
   * @throws Error after all others, when one could not be looked at: its record is damaged, say */
  purge(): Promise<number>;
  /** Destroys at once everything that the viewer ever taught: rows of all versions, pictures, names.
   * Answers how many stored objects went and how many could not be removed; a concept whose record the store does not give
   * counts as one, and the others go. A record that is damaged goes as well. What failed is found again by a second run
   * and by `purge`. */
  forget(viewer: Viewer): Promise<{ readonly removed: number; readonly failed: number }>;
}

/** @param now milliseconds since 1970 */
export function createLibrary(store: Store, now: () => number = Date.now): ConceptLibrary {
  return {
    save: ({ meta, ...tensors }) => saveConcept(store, meta, tensors),
    saveBlend: (meta) => saveConcept(store, meta, undefined),
    relearn: (id, viewer, concept) => relearnConcept(store, id, viewer, concept),
    resolve: (reference, viewer) => resolveReference(store, reference, viewer),
    get: async (id, viewer) => passportOf(await requireVisible(store, id, viewer)),
    load: (id, viewer, version) => readConcept(store, id, viewer, version),
    list: (viewer, options) => listConcepts(store, viewer, options),
    share: (id, viewer, scope) => shareConcept(store, id, viewer, scope),
    barred: (viewer, options) => listBarred(store, viewer, options),
    letIn: (id, viewer) => letInConcept(store, id, viewer),
    delete: (id, viewer) => deleteConcept(store, id, viewer, now()),
    deleted: (viewer) => listRestorable(store, viewer, now()),
    restore: (id, viewer) => restoreConcept(store, id, viewer, now()),
    purge: () => purgeDeleted(store, now()),
    forget: (viewer) => forgetPerson(store, viewer, now()),
  };
}

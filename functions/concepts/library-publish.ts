import type { ConceptMeta, Id, Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Store } from "../store/store.ts";
import { type Concept, checkedMeta, encodeConcept } from "./concept-file.ts";
import { keepPictures } from "./keep-pictures.ts";
import { nameKey, ownerKey, rowsKey } from "./library-keys.ts";
import { nameForOwner, privatePlace } from "./library-names.ts";
import {
  type ConceptRecord,
  changeRecord,
  createRecord,
  encodeJson,
  passportOf,
  readRecord,
  requireOwned,
} from "./library-record.ts";

/** See ConceptLibrary.save. Each step leaves something that a second run of the same job finds and goes on from: the owner's
 * list (so that nothing escapes `forget`), pictures and rows, the record, and at last the name that makes it visible to others. */
export async function saveConcept(
  store: Store,
  { blend, ...meta }: ConceptMeta,
  tensors: Omit<Concept, "meta"> | undefined,
): Promise<ConceptMeta> {
  const fresh = writable({
    ...meta,
    version: 1,
    scope: "private",
    scopeId: meta.owner.id,
    versions: [],
    ...(tensors === undefined && { blend }),
  });
  const before = await readRecord(store, fresh.id);
  if (before !== undefined) requireSame(before, fresh);
  await store.put(ownerKey(fresh.owner.id, fresh.id), encodeJson({ id: fresh.id }));
  const mine = await keepPictures(store, fresh);
  if (tensors !== undefined) {
    await store.put(rowsKey(mine.id, 1), encodeConcept({ meta: mine, ...tensors }), { ifNoneMatch: "*" });
  }
  const own = nameKey(privatePlace(mine.owner.id), mine.name);
  const record = await createRecord(store, { ...mine, barredFrom: [], nameKeys: [own] });
  requireSame(record, mine);
  return passportOf(await nameForOwner(store, record));
}

/** Checked before anything is written: what nobody can read again must not become a record. @throws UserError bad_concept */
const writable = (meta: ConceptMeta): ConceptMeta => checkedMeta(meta, `<${meta.name}> cannot be saved`);

/** Joining is for what was saved already: nothing of somebody else's, of another model, or deleted hides what was just learned.
 * @throws UserError conflict */
function requireSame(stored: ConceptRecord, { id, owner, baseModel }: ConceptMeta): void {
  const refuse = (why: string): never => {
    throw new UserError("conflict", `The id ${id} ${why}; start the job anew.`);
  };
  if (stored.owner.id !== owner.id) refuse("is taken by another concept");
  if (stored.deleted !== undefined) refuse(`is that of <${stored.name}>, which is deleted`);
  if (stored.baseModel.hash !== baseModel.hash) {
    refuse(`is that of <${stored.name}>, which was learned on another model, ${stored.baseModel.id}`);
  }
}

/** See ConceptLibrary.relearn. Numbers whose rows are there already belong to somebody faster, or to a run that was killed
 * before it published them: they are skipped. */
export async function relearnConcept(
  store: Store,
  id: Id,
  viewer: Viewer,
  { meta, ...tensors }: Concept,
): Promise<ConceptMeta> {
  for (let skipped = 0; ; ) {
    const old = await requireOwned(store, id, viewer);
    if (old.blend !== undefined) {
      throw new UserError("bad_request", `<${old.name}> is a blend: there is no picture to learn it from.`);
    }
    const version = old.version + 1 + skipped;
    const versions = [...old.versions, { version: old.version, created: old.created }].slice(-100);
    const next = await keepPictures(store, writable({ ...meta, ...identityOf(old), id, version, versions }));
    const written = await store.put(rowsKey(id, version), encodeConcept({ meta: next, ...tensors }), {
      ifNoneMatch: "*",
    });
    if (!written.ok) {
      skipped += 1;
      continue;
    }
    const record = await changeRecord(store, id, (current) => {
      if (current.version !== old.version || current.deleted !== undefined) return current;
      const { barredFrom, nameKeys } = current;
      return { ...next, ...identityOf(current), barredFrom, nameKeys };
    });
    if (record?.version === version) return passportOf(record);
    skipped = 0;
  }
}

/** What stays when a concept is learned anew. */
const identityOf = ({ name, owner, scope, scopeId }: ConceptMeta) => ({ name, owner, scope, scopeId });

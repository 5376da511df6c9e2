import { z } from "zod";
import { ConceptMeta, Id, StoreKey, type Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { familyTree } from "../../shared/family-tree.ts";
import { type Store, updateObject } from "../store/store.ts";
import { type Concept, decodeConcept } from "./concept-file.ts";
import { metaKey, rowsKey } from "./library-keys.ts";

/** concepts/<id>/meta.json: the passport, and what the library alone needs. */
export const ConceptRecord = ConceptMeta.extend({
  deleted: z.iso.datetime().optional(),
  /** Servers that a moderator took it out of: nobody there sees it but its owner, until a moderator lets it in again. */
  barredFrom: z.array(Id).default([]),
  /** Every key by name or server that may point here, written down before it is written, so that destroying finds them all. */
  nameKeys: z.array(StoreKey),
});
export type ConceptRecord = z.infer<typeof ConceptRecord>;

export const encodeJson = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
export const decodeJson = (data: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(data));

/** What an object holds; undefined where it is damaged. For those who have to go on past it. */
export function tryDecode<Schema extends z.ZodType>(schema: Schema, data: Uint8Array): z.infer<Schema> | undefined {
  try {
    return schema.parse(decodeJson(data));
  } catch {
    return undefined;
  }
}

/** The record of a concept, deleted or not, whoever asks; undefined when there is none, or when `id` is no id. */
export async function readRecord(store: Store, id: Id): Promise<ConceptRecord | undefined> {
  const found = Id.safeParse(id).success ? await store.get(metaKey(id)) : undefined;
  return found && ConceptRecord.parse(decodeJson(found.data));
}

/** As `readRecord`, of a damaged one what can still be read. */
export async function inspectRecord(
  store: Store,
  id: Id,
): Promise<{ readonly record: ConceptRecord | undefined; readonly owner: Id | undefined } | undefined> {
  const found = await store.get(metaKey(id));
  if (found === undefined) return undefined;
  const owned = tryDecode(ConceptRecord.pick({ owner: true }), found.data);
  return { record: tryDecode(ConceptRecord, found.data), owner: owned?.owner.id };
}

/** Creates the record; when there is one already it stays, and is answered. */
export async function createRecord(store: Store, record: ConceptRecord): Promise<ConceptRecord> {
  const written = await store.put(metaKey(record.id), encodeJson(record), { ifNoneMatch: "*" });
  return written.ok ? record : ((await readRecord(store, record.id)) ?? createRecord(store, record));
}

/** Changes a record by compare-and-swap; `change` may run several times and throw to refuse. Undefined when there is none. */
export async function changeRecord(
  store: Store,
  id: Id,
  change: (record: ConceptRecord) => ConceptRecord,
): Promise<ConceptRecord | undefined> {
  const data = await updateObject(
    store,
    metaKey(id),
    (old) => old && encodeJson(change(ConceptRecord.parse(decodeJson(old)))),
  );
  return data && ConceptRecord.parse(decodeJson(data));
}

/** May this person see and use it? The one rule of visibility: every route asks it. */
export function canSee(record: ConceptRecord, viewer: Viewer | undefined): boolean {
  if (record.deleted === undefined && viewer?.user.id === record.owner.id) return true;
  return isSharedWith(record, viewer?.server);
}

/** May everybody in this server see and use it, or everybody at all where `server` is undefined? */
export function isSharedWith(record: ConceptRecord, server: Id | undefined): boolean {
  const { deleted, scope, scopeId, barredFrom } = record;
  if (deleted !== undefined || (server !== undefined && barredFrom.includes(server))) return false;
  return scope === "public" || (scope === "server" && scopeId === server);
}

/** @throws UserError not_found, the same for what is absent and what is hidden */
export async function requireVisible(store: Store, id: Id, viewer: Viewer | undefined): Promise<ConceptRecord> {
  const record = await readRecord(store, id);
  if (record !== undefined && canSee(record, viewer)) return record;
  throw new UserError("not_found", "There is no such concept, or it is not shared with you.");
}

/** @throws UserError not_found | forbidden */
export async function requireOwned(store: Store, id: Id, viewer: Viewer): Promise<ConceptRecord> {
  const record = await requireVisible(store, id, viewer);
  if (record.owner.id === viewer.user.id) return record;
  throw new UserError("forbidden", `<${record.name}> belongs to ${record.owner.name}; only its owner can do that.`);
}

/** The passport alone. */
export function passportOf({ deleted: _d, barredFrom: _r, nameKeys: _n, ...meta }: ConceptRecord): ConceptMeta {
  return meta;
}

/** The record with more name keys. */
export const withNameKeys = (record: ConceptRecord, keys: readonly StoreKey[]): ConceptRecord => ({
  ...record,
  nameKeys: [...new Set([...record.nameKeys, ...keys])],
});

/** Passport and rows. The file keeps what it said when it was learned; name, owner and scope are today's. */
export async function readConcept(
  store: Store,
  id: Id,
  viewer: Viewer | undefined,
  version?: number,
): Promise<Concept> {
  const record = await requireVisible(store, id, viewer);
  if (record.blend !== undefined) {
    const tree = [`<${record.name}>`, ...familyTree(record.blend)].join("\n");
    throw new UserError(
      "bad_concept",
      `<${record.name}> is a blend and has no rows of its own; draw with it.\n${tree}`,
    );
  }
  const wanted = version ?? record.version;
  const found = Number.isSafeInteger(wanted) && wanted > 0 ? await store.get(rowsKey(id, wanted)) : undefined;
  if (found === undefined) throw new UserError("not_found", `<${record.name}> has no version ${wanted}.`);
  const { meta, ...tensors } = decodeConcept(found.data, `Version ${wanted} of <${record.name}>`);
  const { name, owner, scope, scopeId } = record;
  return {
    meta: { ...(wanted === record.version ? passportOf(record) : meta), name, owner, scope, scopeId },
    ...tensors,
  };
}

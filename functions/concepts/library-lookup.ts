import { type ConceptMeta, Id, type StoreKey, type Viewer } from "../../shared/concept.ts";
import type { ConceptName } from "../../shared/concept-name.ts";
import { didYouMean } from "../../shared/did-you-mean.ts";
import { UserError } from "../../shared/error.ts";
import type { ConceptReference } from "../../shared/prompt.ts";
import { listAll, type Store } from "../store/store.ts";
import { nameKey, type Place, placeFolder, publicPlace, readNameKey, sharedFolder } from "./library-keys.ts";
import { holdsName, privatePlace, readPointer } from "./library-names.ts";
import { type ConceptRecord, canSee, inspectRecord, passportOf } from "./library-record.ts";

/** Where a viewer's names live, nearest first. */
function placesOf(viewer: Viewer | undefined): readonly Place[] {
  const server: readonly Place[] = viewer?.server === undefined ? [] : [{ scope: "server", scopeId: viewer.server }];
  return [...(viewer === undefined ? [] : [privatePlace(viewer.user.id)]), ...server, publicPlace];
}

/** The record under a name key, if it still goes by that name there and the viewer may see it. One that is damaged is left out:
 * the others of its place are still found, and its owner can still ask for it to be forgotten. */
async function follow(
  store: Store,
  key: StoreKey,
  place: Place,
  viewer: Viewer | undefined,
): Promise<ConceptRecord | undefined> {
  const id = await readPointer(store, key);
  const record = id === undefined ? undefined : (await inspectRecord(store, id))?.record;
  return record && holdsName(record, place, readNameKey(key).name) && canSee(record, viewer) ? record : undefined;
}

/** Everything of one name shared in a place, oldest first. */
async function sharedUnder(
  store: Store,
  place: Place,
  name: ConceptName,
  viewer: Viewer | undefined,
): Promise<readonly ConceptRecord[]> {
  const keys = (await Array.fromAsync(listAll(store, sharedFolder(place, name)))).map(({ key }) => key);
  const records = await Promise.all(keys.map((key) => follow(store, key, place, viewer)));
  return records.filter((record) => record !== undefined).sort((a, b) => (a.created < b.created ? -1 : 1));
}

async function findPlain(
  store: Store,
  name: ConceptName,
  viewer: Viewer | undefined,
): Promise<ConceptRecord | undefined> {
  for (const place of placesOf(viewer)) {
    const first = await follow(store, nameKey(place, name), place, viewer);
    // When whoever had the plain name has left, the oldest of the others stands in.
    const record =
      first ?? (place.scope === "private" ? undefined : (await sharedUnder(store, place, name, viewer))[0]);
    if (record !== undefined) return record;
  }
  return undefined;
}

async function findExact(
  store: Store,
  owner: string,
  name: ConceptName,
  viewer: Viewer | undefined,
): Promise<ConceptRecord | undefined> {
  const wanted = owner.toLowerCase();
  const isMe = viewer !== undefined && viewer.user.name.toLowerCase() === wanted;
  for (const id of [...(isMe ? [viewer.user.id] : []), ...(Id.safeParse(owner).success ? [owner] : [])]) {
    const record = await follow(store, nameKey(privatePlace(id), name), privatePlace(id), viewer);
    if (record !== undefined) return record;
  }
  for (const place of placesOf(viewer).filter(({ scope }) => scope !== "private")) {
    const records = await sharedUnder(store, place, name, viewer);
    const record = records.find((each) => each.owner.name.toLowerCase() === wanted);
    if (record !== undefined) return record;
  }
  return undefined;
}

/** See ConceptLibrary.resolve. */
export async function resolveReference(
  store: Store,
  { owner, name }: Pick<ConceptReference, "owner" | "name">,
  viewer: Viewer | undefined,
): Promise<ConceptMeta> {
  const record =
    owner === undefined ? await findPlain(store, name, viewer) : await findExact(store, owner, name, viewer);
  if (record !== undefined) return passportOf(record);
  const said = owner === undefined ? `<${name}>` : `<${owner}/${name}>`;
  const near = await nearestName(store, name, viewer);
  const advice = near === undefined ? "Teach it, or ask its owner to share it." : `Did you mean <${near}>?`;
  throw new UserError("not_found", `Nobody you can see has taught ${said}. ${advice}`);
}

/** The nearest name that the viewer can really use. */
async function nearestName(
  store: Store,
  name: ConceptName,
  viewer: Viewer | undefined,
): Promise<ConceptName | undefined> {
  const names = new Set<ConceptName>();
  for (const place of placesOf(viewer)) {
    for await (const { key } of listAll(store, placeFolder(place))) names.add(readNameKey(key).name);
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    const near = didYouMean(name, [...names]);
    if (near === undefined || (await findPlain(store, near, viewer)) !== undefined) return near;
    names.delete(near);
  }
  return undefined;
}

/** How many a list shows, of those whose names begin how. */
export const listed = ({ prefix = "", limit = 100 }: { readonly prefix?: string; readonly limit?: number }) => ({
  begin: prefix.normalize("NFKC").toLowerCase(),
  wanted: Math.max(1, Math.min(1_000, Math.trunc(limit))),
});

/** See ConceptLibrary.list. */
export async function listConcepts(
  store: Store,
  viewer: Viewer | undefined,
  { owner = "anyone", ...options }: { prefix?: string; owner?: "anyone" | "me"; limit?: number } = {},
): Promise<readonly ConceptMeta[]> {
  const { begin, wanted } = listed(options);
  const found = new Map<Id, ConceptRecord>();
  const places = placesOf(viewer).filter(({ scope }) => owner === "anyone" || scope === "private");
  for (const place of places) {
    const all = (await Array.fromAsync(listAll(store, placeFolder(place)))).map(({ key }) => key);
    const keys = all.filter((key) => {
      const named = readNameKey(key);
      // Where things are shared, every one has a key with its owner; the plain names only choose between them.
      return named.name.startsWith(begin) && (named.owner !== undefined) === (place.scope !== "private");
    });
    keys.sort((a, b) => (readNameKey(a).name < readNameKey(b).name ? -1 : 1));
    for (let at = 0; at < keys.length && found.size < wanted; at += 16) {
      const some = await Promise.all(keys.slice(at, at + 16).map((key) => follow(store, key, place, viewer)));
      for (const record of some) if (record !== undefined && found.size < wanted) found.set(record.id, record);
    }
  }
  return [...found.values()].map(passportOf);
}

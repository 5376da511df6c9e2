import type { Id, Scope, StoreKey } from "../../shared/concept.ts";
import type { ConceptName } from "../../shared/concept-name.ts";

// Layout in the store:
//
//   concepts/<id>/<version>.safetensors      rows and passport as learned; never changes
//   concepts/<id>/<kind>-<version>.<ending>  its pictures: mask, preview, source
//   concepts/<id>/meta.json                  the passport of today: name, scope, version, deleted when
//   names/private/<owner>/<name>.json        which of the owner's concepts has the name
//   names/<scope>/<scopeId>/<name>.json      which concept of a server, or of the public, has the plain name
//   names/<scope>/<scopeId>/<name>/<owner>.json   every concept shared there, for lists and <owner/name>
//   owners/<owner>/<id>.json                 everything of one person, deleted or not
//   barred/<server>/<id>.json                which concepts moderators took out of a server, for them to let in again
//   deleted/<id>.json                        waiting for the end of its undo time; for no time where forgotten

/** A scope's place: `private` with the owner's id, `server` with the server's, `public` with "all". */
export interface Place {
  readonly scope: Scope;
  readonly scopeId: Id;
}

export const publicPlace: Place = { scope: "public", scopeId: "all" };

/** A name as a part of a key: itself where ASCII, else "~" and its code points in hexadecimal. */
const nameInKey = (name: ConceptName): string =>
  /^[a-z0-9_-]+$/.test(name)
    ? name
    : `~${Array.from(name, (character) => character.codePointAt(0)?.toString(16)).join(".")}`;

/** The inverse of `nameInKey`. */
const nameFromKey = (part: string): ConceptName =>
  part.startsWith("~")
    ? String.fromCodePoint(
        ...part
          .slice(1)
          .split(".")
          .map((hex) => Number.parseInt(hex, 16)),
      )
    : part;

export const rowsKey = (id: Id, version: number): StoreKey => `concepts/${id}/${version}.safetensors`;
export const metaKey = (id: Id): StoreKey => `concepts/${id}/meta.json`;
export const conceptFolder = (id: Id): string => `concepts/${id}/`;
export const ownerFolder = (owner: Id): string => `owners/${owner}/`;
export const ownerKey = (owner: Id, id: Id): StoreKey => `${ownerFolder(owner)}${id}.json`;
export const deletedFolder = "deleted/";
export const deletedKey = (id: Id): StoreKey => `${deletedFolder}${id}.json`;
export const barredFolder = "barred/";
export const barredKey = (server: Id, id: Id): StoreKey => `${barredFolder}${server}/${id}.json`;
export const namesFolder = "names/";
export const placeFolder = ({ scope, scopeId }: Place): string => `${namesFolder}${scope}/${scopeId}/`;
export const nameKey = (place: Place, name: ConceptName): StoreKey => `${placeFolder(place)}${nameInKey(name)}.json`;
export const sharedFolder = (place: Place, name: ConceptName): string => `${placeFolder(place)}${nameInKey(name)}/`;
export const sharedKey = (place: Place, name: ConceptName, owner: Id): StoreKey =>
  `${sharedFolder(place, name)}${owner}.json`;

/** Name and owner in a key of `sharedKey` (undefined owner: of `nameKey`). */
export function readNameKey(key: StoreKey): { readonly name: ConceptName; readonly owner?: Id } {
  const [, , , name = "", owner] = key.replace(/\.json$/, "").split("/");
  return owner === undefined ? { name: nameFromKey(name) } : { name: nameFromKey(name), owner };
}

/** The id in a key of `ownerKey`, `barredKey` or `deletedKey`. */
export const idFromKey = (key: StoreKey): Id => key.slice(key.lastIndexOf("/") + 1, -".json".length);

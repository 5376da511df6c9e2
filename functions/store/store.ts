import { StoreKey } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";

/** Names one content of one object; opaque. Equal versions mean equal bytes. */
export type Version = string;

export interface StoredHead {
  readonly key: StoreKey;
  readonly version: Version;
  readonly bytes: number;
  readonly modified: Date;
}

export interface StoredObject extends StoredHead {
  readonly data: Uint8Array;
}

/** `ifNoneMatch`: only when there is no such object. `ifMatch`: only when it still is that version. */
export type PutCondition = { readonly ifNoneMatch: "*" } | { readonly ifMatch: Version };

/** Losing a race is an answer, not an error: read again and decide. */
export type PutResult =
  | { readonly ok: true; readonly version: Version }
  | { readonly ok: false; readonly reason: "conflict" };

export interface ListPage {
  /** In ascending order of their keys' bytes. */
  readonly entries: readonly StoredHead[];
  /** Give it as `after` for the next page; absent on the last one. */
  readonly next?: StoreKey;
}

/** Named objects of a few bytes to a few dozen megabytes. Every write is atomic and durable once answered, and every read that
 * begins after the answer sees it. A key may also be the beginning of other keys. All methods refuse keys outside StoreKey.
 * @throws UserError bad_request (key) | unavailable (the backend cannot be reached or is full) */
export interface Store {
  get(key: StoreKey): Promise<StoredObject | undefined>;
  head(key: StoreKey): Promise<StoredHead | undefined>;
  /** Without a condition: creates or overwrites, always ok. */
  put(key: StoreKey, data: Uint8Array, condition?: PutCondition): Promise<PutResult>;
  /** Removes the object with every older version. True when there was one. */
  delete(key: StoreKey): Promise<boolean>;
  /** Keys beginning with `prefix` and greater than `after`; `limit` 1–1,000, 1,000 when absent. */
  list(prefix: string, page?: { readonly after?: StoreKey; readonly limit?: number }): Promise<ListPage>;
}

/** The largest page. */
export const maxListEntries = 1_000;

/** @throws UserError bad_request */
export function checkKey(key: string): asserts key is StoreKey {
  if (!StoreKey.safeParse(key).success) {
    throw new UserError(
      "bad_request",
      `${JSON.stringify(key.slice(0, 100))} is not a key: expected parts of ASCII letters, digits, ".", "_", "~" and "-" between slashes`,
    );
  }
}

/** The beginning of a key, or "". @throws UserError bad_request */
export function checkPrefix(prefix: string): void {
  if (prefix !== "") checkKey(prefix.endsWith("/") ? `${prefix}x` : prefix);
}

/** Every entry under a prefix, page by page. */
export async function* listAll(store: Store, prefix: string): AsyncGenerator<StoredHead> {
  let after: string | undefined;
  do {
    const page = await store.list(prefix, after === undefined ? {} : { after });
    yield* page.entries;
    after = page.next;
  } while (after !== undefined);
}

/** Reads an object, lets `change` make the new content, writes it if nobody else did in between, else begins again.
 * `change` gets undefined for an absent object and returns undefined to leave everything as it is.
 * Answers what is in the store afterwards. @throws UserError conflict after 50 lost races */
export async function updateObject(
  store: Store,
  key: StoreKey,
  change: (data: Uint8Array | undefined) => Uint8Array | undefined,
): Promise<Uint8Array | undefined> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const before = await store.get(key);
    const data = change(before?.data);
    if (data === undefined) return before?.data;
    const result = await store.put(
      key,
      data,
      before === undefined ? { ifNoneMatch: "*" } : { ifMatch: before.version },
    );
    if (result.ok) return data;
    await new Promise((done) => setTimeout(done, Math.random() * 2 ** Math.min(attempt, 7)));
  }
  throw new UserError("conflict", `too many people change ${key} at once; try again in a moment`);
}

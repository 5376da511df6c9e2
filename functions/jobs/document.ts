import type { z } from "zod";
import type { StoreKey } from "../../shared/concept.ts";
import { type Store, updateObject } from "../store/store.ts";

/** A JSON object of the store. What is read is checked: a record damaged by hand is an error that names it, never a surprise
 * further on. */
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function decode<Schema extends z.ZodType>(key: StoreKey, schema: Schema, data: Uint8Array): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(data)));
  } catch (cause) {
    throw new Error(`${key} does not hold what it should`, { cause });
  }
}

/** @throws UserError unavailable */
export async function readDocument<Schema extends z.ZodType>(
  store: Store,
  key: StoreKey,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const found = await store.get(key);
  return found === undefined ? undefined : decode(key, schema, found.data);
}

/** True when this call made it, false when it was there. @throws UserError unavailable */
export async function createDocument(store: Store, key: StoreKey, value: unknown): Promise<boolean> {
  return (await store.put(key, encode(value), { ifNoneMatch: "*" })).ok;
}

/** Overwrites whatever is there: only for objects with one writer. @throws UserError unavailable */
export async function writeDocument(store: Store, key: StoreKey, value: unknown): Promise<void> {
  await store.put(key, encode(value));
}

/** Compare-and-swap until it succeeds: `change` sees what is there and gives the new value, or undefined to leave it.
 * It may be called several times. Answers what is in the store afterwards. @throws UserError unavailable, conflict */
export async function updateDocument<Schema extends z.ZodType>(
  store: Store,
  key: StoreKey,
  schema: Schema,
  change: (value: z.infer<Schema> | undefined) => z.infer<Schema> | undefined,
): Promise<z.infer<Schema> | undefined> {
  const data = await updateObject(store, key, (before) => {
    const changed = change(before === undefined ? undefined : decode(key, schema, before));
    return changed === undefined ? undefined : encode(changed);
  });
  return data === undefined ? undefined : decode(key, schema, data);
}

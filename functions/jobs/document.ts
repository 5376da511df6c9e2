import type { z } from "zod";
import type { StoreKey } from "../../shared/concept.ts";
import { type Store, updateObject } from "../store/store.ts";

// JSON objects of the store. What is read is checked: a record damaged by hand is an error that names it, never a surprise further
// on. So is what is written, before it is: a value that nobody could read again leaves what is there as it is.

function encode<Schema extends z.ZodType>(key: StoreKey, schema: Schema, value: z.infer<Schema>): Uint8Array {
  const checked = schema.safeParse(value);
  if (checked.success) return new TextEncoder().encode(JSON.stringify(value));
  throw new Error(`${key} is not written, for it would not hold what it should`, { cause: checked.error });
}

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
export async function createDocument<Schema extends z.ZodType>(
  store: Store,
  key: StoreKey,
  schema: Schema,
  value: z.infer<Schema>,
): Promise<boolean> {
  return (await store.put(key, encode(key, schema, value), { ifNoneMatch: "*" })).ok;
}

/** Overwrites whatever is there: only for objects with one writer. @throws UserError unavailable */
export async function writeDocument<Schema extends z.ZodType>(
  store: Store,
  key: StoreKey,
  schema: Schema,
  value: z.infer<Schema>,
): Promise<void> {
  await store.put(key, encode(key, schema, value));
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
    return changed === undefined ? undefined : encode(key, schema, changed);
  });
  return data === undefined ? undefined : decode(key, schema, data);
}

import { createHash } from "node:crypto";
import { checkKey, type Store, type StoredObject } from "../../functions/store/store.ts";
import { UserError } from "../../shared/error.ts";

/** A store that forgets, for tests that need speed or faults more than a disk. */
export function createMemoryStore(now: () => number = Date.now): Store & { readonly keys: () => string[] } {
  const objects = new Map<string, StoredObject>();
  let life = 0;
  return {
    keys: () => [...objects.keys()].sort(),
    async get(key) {
      checkKey(key);
      return objects.get(key);
    },
    async head(key) {
      return objects.get(key);
    },
    async put(key, data, condition) {
      checkKey(key);
      const old = objects.get(key);
      if (condition !== undefined && "ifNoneMatch" in condition && old !== undefined)
        return { ok: false, reason: "conflict" };
      if (condition !== undefined && "ifMatch" in condition && old?.version !== condition.ifMatch) {
        return { ok: false, reason: "conflict" };
      }
      const version = `${life++}-${createHash("sha256").update(data).digest("hex").slice(0, 8)}`;
      objects.set(key, {
        key,
        version,
        bytes: data.byteLength,
        modified: new Date(now()),
        data: new Uint8Array(data),
      });
      return { ok: true, version };
    },
    async delete(key) {
      return objects.delete(key);
    },
    async list(prefix, page = {}) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > (page.after ?? "")).sort();
      const some = keys.slice(0, page.limit ?? 1_000);
      const entries = some.map((key) => objects.get(key) as StoredObject);
      return keys.length > some.length ? { entries, next: some.at(-1) as string } : { entries };
    },
  };
}

export interface Fault {
  readonly method: "get" | "put" | "delete" | "list";
  readonly key: RegExp;
  /** How many calls fail; Infinity for good. */
  times: number;
  /** The write takes place, but its answer is lost. */
  readonly afterwards?: boolean;
}

/** `store` with the faults in `plan`, which a test may change at any time. Counts the faults that struck. */
export function createFaultyStore(store: Store, plan: Fault[]): Store & { struck: number } {
  const strike = (method: Fault["method"], key: string): Fault | undefined => {
    const fault = plan.find((f) => f.method === method && f.times > 0 && f.key.test(key));
    if (fault !== undefined) {
      fault.times--;
      faulty.struck++;
    }
    return fault;
  };
  const unavailable = () => new UserError("unavailable", "the store does not answer (injected)");
  const faulty = {
    struck: 0,
    head: (key: string) => store.head(key),
    async get(key: string) {
      if (strike("get", key)) throw unavailable();
      return store.get(key);
    },
    async put(...args: Parameters<Store["put"]>) {
      const fault = strike("put", args[0]);
      if (fault?.afterwards === true) await store.put(...args);
      if (fault !== undefined) throw unavailable();
      return store.put(...args);
    },
    async delete(key: string) {
      if (strike("delete", key)) throw unavailable();
      return store.delete(key);
    },
    async list(...args: Parameters<Store["list"]>) {
      if (strike("list", args[0])) throw unavailable();
      return store.list(...args);
    },
  };
  return faulty;
}

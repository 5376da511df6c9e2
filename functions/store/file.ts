import { readdir, readFile, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { StoreKey } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import {
  codeOf,
  create,
  current,
  type Life,
  lifeOf,
  overwrite,
  probe,
  random,
  removeLife,
  versionOf,
} from "./file-life.ts";
import { walk } from "./file-walk.ts";
import { makeFolder } from "./make-folder.ts";
import { checkKey, checkPrefix, maxListEntries, type PutResult, type Store, type StoredHead } from "./store.ts";

// Layout under the root. No lock files: a kill at any point leaves nothing that blocks or shows.
//
//   objects/<key>@/<life>/v<N>   one life of an object, from its creation to its deletion; the highest N is its content
//   tmp/<random>                 being written; swept when old
//   trash/<random>               deleted lives on their way out; swept at opening

const sweepAfterMs = 3_600_000;

/** A superseded version stays this long: its name must not come free for a writer who looked before it was superseded. A
 * writer slower than half of it does not trust its link alone. */
const keepSupersededMs = 120_000;

/** A store in a folder, safe for any number of processes of one machine, kill -9 and loss of power included. Keys that differ
 * in case alone need a file system that tells them apart.
 * @throws UserError bad_config when the folder cannot be made or its file system has no hard links */
export async function openFileStore(folder: string, keepMs: number = keepSupersededMs): Promise<Store> {
  const root = resolve(folder);
  const [objects, tmp, trash] = [join(root, "objects"), join(root, "tmp"), join(root, "trash")] as const;
  try {
    for (const path of [objects, tmp, trash]) await makeFolder(path);
    await probe(tmp);
    await sweep(trash, 0);
    await sweep(tmp, sweepAfterMs);
  } catch (error) {
    throw new UserError(
      "bad_config",
      `cannot keep a store in ${root} (${error instanceof Error ? error.message : error}): it needs a writable folder on a file system with hard links`,
      { cause: error },
    );
  }
  const folderOf = (key: StoreKey): string => {
    checkKey(key);
    return join(objects, `${key}@`);
  };
  const headOf = async (key: StoreKey, life: Life): Promise<StoredHead | undefined> => {
    const found = await missingAsUndefined(stat(join(life.path, `v${life.number}`)));
    return found && { key, version: versionOf(life), bytes: found.size, modified: found.mtime };
  };
  return {
    get: (key) =>
      retry(folderOf(key), async (life) => {
        const head = await headOf(key, life);
        const data = head && (await missingAsUndefined(readFile(join(life.path, `v${life.number}`))));
        return head && data && { ...head, data: new Uint8Array(data) };
      }),

    head: (key) => retry(folderOf(key), (life) => headOf(key, life)),

    put: async (key, data, condition) => {
      const path = folderOf(key);
      return asUserError(async () => {
        if (condition && "ifNoneMatch" in condition) return create(path, data, objects, tmp);
        if (condition) {
          const life = lifeOf(path, condition.ifMatch);
          return life ? overwrite(life, data, tmp, keepMs) : conflict;
        }
        for (;;) {
          const life = await current(path);
          const result = life ? await overwrite(life, data, tmp, keepMs) : await create(path, data, objects, tmp);
          if (result.ok) return result;
        }
      });
    },

    delete: async (key) => {
      const path = folderOf(key);
      return asUserError(async () => {
        const removed = await removeLife(path, join(trash, random()));
        await removeEmpty(path, objects);
        return removed;
      });
    },

    list: async (prefix, { after, limit = maxListEntries } = {}) => {
      checkPrefix(prefix);
      const wanted = Math.max(1, Math.min(maxListEntries, Math.trunc(limit)));
      return asUserError(async () => {
        const entries: StoredHead[] = [];
        for await (const key of walk(objects, prefix, after ?? "")) {
          const head = await retry(join(objects, `${key}@`), (life) => headOf(key, life));
          if (head === undefined) continue;
          if (entries.length === wanted) return { entries, next: entries.at(-1)?.key as StoreKey };
          entries.push(head);
        }
        return { entries };
      });
    },
  };
}

const conflict: PutResult = { ok: false, reason: "conflict" };

/** Runs `read` on the current version, again when that was pruned or deleted in the meantime. */
async function retry<T>(path: string, read: (life: Life) => Promise<T | undefined>): Promise<T | undefined> {
  return asUserError(async () => {
    for (;;) {
      const life = await current(path);
      if (life === undefined) return undefined;
      const found = await read(life);
      if (found !== undefined) return found;
    }
  });
}

async function missingAsUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

async function asUserError<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "EACCES"].includes(codeOf(error))) throw error;
    throw new UserError(
      "unavailable",
      `the store's folder cannot be used (${codeOf(error)}): check its disk space and rights`,
      {
        cause: error,
      },
    );
  }
}

/** Removes an emptied folder and its emptied parents; whoever creates below them meanwhile simply makes them again. */
async function removeEmpty(path: string, top: string): Promise<void> {
  for (let folder = path; folder !== top; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return;
    }
  }
}

async function sweep(folder: string, olderThanMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await missingAsUndefined(stat(path));
    if (found && Date.now() - found.ctimeMs >= olderThanMs) await rm(path, { recursive: true, force: true });
  }
}

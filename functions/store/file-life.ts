import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../../shared/error.ts";
import type { PutResult, Version } from "./store.ts";

// Creating renames a folder that already holds <life>/v1 onto <key>@, which fails when that is there and not empty: one winner.
// Overwriting links a complete, synced file to v<N+1>, which fails when that is there: one winner. Deleting renames the life
// away, so a writer who still holds one of its versions finds no folder to link into, even when the key lives again.

/** One life of an object and its version number. */
export interface Life {
  /** <key>@/<life> */
  readonly path: string;
  readonly name: string;
  readonly number: number;
}

export const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException)?.code ?? "");
export const random = (): string => randomBytes(12).toString("hex");
export const versionOf = ({ name, number }: Pick<Life, "name" | "number">): Version => `${name}.${number}`;

const conflict: PutResult = { ok: false, reason: "conflict" };

/** The life and number that a version names; undefined for text that no version of this backend is. */
export function lifeOf(folder: string, version: Version): Life | undefined {
  const match = /^([0-9a-f]{24})\.(\d{1,15})$/.exec(version);
  if (match === null) return undefined;
  const name = match[1] ?? "";
  return { path: join(folder, name), name, number: Number(match[2]) };
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  });
}

/** Version numbers in ascending order. */
async function numbersOf(path: string): Promise<readonly number[]> {
  const numbers = (await entriesOf(path)).map((name) => Number(/^v(\d+)$/.exec(name)?.[1]));
  return numbers.filter((number) => !Number.isNaN(number)).sort((a, b) => a - b);
}

/** The living version of an object's folder; undefined when there is none. */
export async function current(folder: string): Promise<Life | undefined> {
  for (let look = 0; look < 1_000; look++) {
    const name = (await entriesOf(folder))[0];
    if (name === undefined) return undefined;
    const path = join(folder, name);
    const number = (await numbersOf(path)).at(-1);
    // Without numbers it was deleted between the two looks.
    if (number !== undefined) return { path, name, number };
  }
  throw new UserError("unavailable", `${folder} was changed from outside: expected one folder with versions in it`);
}

async function writeSynced(path: string, data: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes parents and syncs each new entry. */
async function makeParents(path: string, top: string): Promise<void> {
  const made = await mkdir(path, { recursive: true });
  if (made === undefined) return;
  for (let folder = path; folder.length >= made.length && folder !== top; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
  }
}

/** First version of an object that must not exist yet. */
export async function create(folder: string, data: Uint8Array, top: string, tmp: string): Promise<PutResult> {
  if ((await current(folder)) !== undefined) return conflict;
  const name = random();
  const draft = join(tmp, name);
  try {
    await mkdir(join(draft, name), { recursive: true });
    await writeSynced(join(draft, name, "v1"), data);
    await syncFolder(join(draft, name));
    await syncFolder(draft);
    for (;;) {
      try {
        await makeParents(dirname(folder), top);
        await rename(draft, folder);
        break;
      } catch (error) {
        if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST") return conflict;
        // A parent, empty just now, was removed by somebody who deleted below it.
        if (codeOf(error) !== "ENOENT") throw error;
        await stat(draft);
      }
    }
    await syncFolder(dirname(folder)).catch(ignoreMissing);
    return { ok: true, version: versionOf({ name, number: 1 }) };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The next version of an object that must still be at `life`. Versions superseded more than `keepMs` ago are pruned. */
export async function overwrite(life: Life, data: Uint8Array, tmp: string, keepMs: number): Promise<PutResult> {
  const started = performance.now();
  if ((await numbersOf(life.path)).at(-1) !== life.number) return conflict;
  const number = life.number + 1;
  const target = join(life.path, `v${number}`);
  const draft = join(tmp, random());
  try {
    await writeSynced(draft, data);
    await link(draft, target);
  } catch (error) {
    if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOENT") return conflict;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(life.path).catch(ignoreMissing);
  const numbers = await numbersOf(life.path);
  const slow = performance.now() - started > keepMs / 2;
  // So late, others may have gone past this number and pruned it; the link is then below the top, where nobody reads.
  if (slow && numbers.at(-1) !== number) return conflict;
  await prune(life.path, numbers, keepMs);
  return { ok: true, version: versionOf({ name: life.name, number }) };
}

/** Removes versions superseded more than `keepMs` ago, by the file system's own clock. */
async function prune(path: string, numbers: readonly number[], keepMs: number): Promise<void> {
  try {
    const now = (await stat(join(path, `v${numbers.at(-1)}`))).ctimeMs;
    for (let i = 0; i + 2 < numbers.length; i++) {
      const superseded = (await stat(join(path, `v${numbers[i + 1]}`))).ctimeMs;
      if (now - superseded < keepMs) return;
      await unlink(join(path, `v${numbers[i]}`));
    }
  } catch (error) {
    // Another writer pruned the same ones, or the object was deleted.
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Moves the current life to `grave` and destroys it. True when there was one. */
export async function removeLife(folder: string, grave: string): Promise<boolean> {
  for (;;) {
    const life = await current(folder);
    if (life === undefined) return false;
    try {
      await rename(life.path, grave);
    } catch (error) {
      if (codeOf(error) === "ENOENT") continue;
      throw error;
    }
    await syncFolder(folder).catch(ignoreMissing);
    await rm(grave, { recursive: true, force: true });
    return true;
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}

/** Checks that the file system can write, sync and link. */
export async function probe(tmp: string): Promise<void> {
  const file = join(tmp, random());
  try {
    await writeSynced(file, new Uint8Array());
    await link(file, `${file}-link`);
    await syncFolder(tmp);
  } finally {
    await rm(file, { force: true });
    await rm(`${file}-link`, { force: true });
  }
}

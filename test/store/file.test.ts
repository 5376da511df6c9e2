import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { openFileStore } from "../../functions/store/file.ts";
import { openStore } from "../../functions/store/open.ts";
import { checkKey } from "../../functions/store/store.ts";
import { storeContract } from "./contract.ts";

const top = await mkdtemp(join(tmpdir(), "store-"));
afterAll(() => rm(top, { recursive: true, force: true }));
const folder = () => mkdtemp(join(top, "s-"));
const bytes = (text: string) => new TextEncoder().encode(text);

storeContract("file", async () => `file:${await folder()}`);

async function filesBelow(path: string): Promise<readonly string[]> {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

test("a deletion takes every version and every emptied folder with it", async () => {
  const path = await folder();
  const store = await openFileStore(path);
  for (const text of ["a", "b", "c"]) await store.put("deep/er/key", bytes(text));
  expect((await filesBelow(path)).length).toBe(3);
  await store.delete("deep/er/key");
  expect(await filesBelow(path)).toEqual([]);
  expect(await readdir(join(path, "objects"))).toEqual([]);
});

test("versions superseded long ago are pruned by the next write, younger ones stay", async () => {
  const path = await folder();
  const patient = await openFileStore(path);
  for (let i = 0; i < 4; i++) await patient.put("key", bytes(String(i)));
  expect((await filesBelow(path)).length).toBe(4);
  const hasty = await openFileStore(path, 0);
  await hasty.put("key", bytes("last"));
  expect((await filesBelow(path)).length).toBe(2);
  expect((await patient.get("key"))?.data).toEqual(bytes("last"));
});

test("any text is a key or refused as one", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.nat(0x2ff).map((code) => String.fromCharCode(code)), maxLength: 12 }), (key) => {
      try {
        checkKey(key);
      } catch (error) {
        expect(error).toMatchObject({ code: "bad_request" });
        return;
      }
      expect(key).toMatch(/^[\w~-][\w.~/-]*$/);
    }),
  );
});

test("opening sweeps the trash, and what a killed writer left over an hour ago", async () => {
  const path = await folder();
  await openFileStore(path);
  await mkdir(join(path, "trash", "x"));
  await writeFile(join(path, "trash", "x", "v1"), "private");
  await writeFile(join(path, "tmp", "young"), "being written");
  await openFileStore(path);
  expect((await filesBelow(path)).map((file) => file.slice(path.length))).toEqual(["/tmp/young"]);
});

test("a folder that cannot be one is refused with a reason", async () => {
  const file = join(await folder(), "file");
  await writeFile(file, "");
  await expect(openStore(`file:${file}`)).rejects.toMatchObject({ code: "bad_config" });
});

test.each(["", "nonsense", "ftp://x", "constructor:x", "file:"])("%j is no store", async (url) => {
  await expect(openStore(url)).rejects.toMatchObject({ code: "bad_config", message: expect.stringContaining("file:") });
});

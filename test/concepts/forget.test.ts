import { describe, expect, test } from "vitest";
import { findDeleted } from "../../functions/concepts/find-deleted.ts";
import { createLibrary } from "../../functions/concepts/library.ts";
import type { Store } from "../../functions/store/store.ts";
import { UserError } from "../../shared/error.ts";
import { ann, bob, day, emptyLibrary } from "../support/empty-library.ts";

const world = await emptyLibrary();

describe("a damaged record", () => {
  const damage = (key: string) => world.store.put(key, new TextEncoder().encode("{"));

  test("keeps its name, so that the next of that name gets a number", async () => {
    const damaged = await world.save(ann);
    await damage(`concepts/${damaged.id}/meta.json`);
    expect((await world.save(ann)).name).toBe("mycat-2");
    await damage("names/private/ann/mycat-2.json");
    expect((await world.save(ann)).name).toBe("mycat-3");
  });

  test("does not keep another from being shared or found among the deleted", async () => {
    const [first, second, third] = [await world.save(ann), await world.save(bob), await world.save(ann, "dog")];
    await world.library.share(first.id, ann, "server");
    await world.library.delete(third.id, ann);
    await damage(`concepts/${first.id}/meta.json`);
    expect(await world.library.share(second.id, bob, "server")).toMatchObject({
      plain: false,
      reference: "bob.name/mycat",
    });
    expect(await findDeleted(world.store, "dog", ann)).toBe(third.id);
  });
});

describe("forgetting", () => {
  test("destroys everything of one person at once: versions, pictures, names, deleted ones too", async () => {
    const kept = await world.save(bob);
    await world.library.share(kept.id, bob, "server");
    for (const key of ["mask", "preview"]) await world.store.put(`concepts/golden1/${key}.png`, new Uint8Array(9));
    const before = await world.keys();
    const [first, second, third] = [await world.save(ann), await world.save(ann, "dog"), await world.save(ann, "fox")];
    await world.library.relearn(first.id, ann, world.conceptOf(ann));
    await world.library.share(second.id, ann, "server");
    await world.library.delete(third.id, ann);
    const { removed, failed } = await world.library.forget(ann);
    expect(failed).toBe(0);
    expect(removed).toBeGreaterThan(12);
    expect(await world.keys()).toEqual(before);
    expect(await world.library.forget(ann)).toEqual({ removed: 0, failed: 0 });
  });

  test("finds the names that a share cut short left behind", async () => {
    const saved = await world.save(ann);
    for (const writes of [1, 2, 3, 4]) {
      let left = writes;
      const put: Store["put"] = (...args) =>
        left-- > 0 ? world.store.put(...args) : Promise.reject(new Error("killed"));
      const dying = createLibrary({ ...world.store, put });
      await dying.share(saved.id, ann, writes % 2 === 0 ? "private" : "server").catch(() => undefined);
    }
    await world.library.forget(ann);
    expect(await world.keys()).toEqual([]);
  });

  test.each(["", "{", '{"owner":{"id":"ann","name":"ann.name"},"nameKeys":0}'])(
    "erases a concept whose record is the damaged %j, with its names, and those after it",
    async (record) => {
      const kept = await world.save(bob);
      await world.library.share(kept.id, bob, "server");
      await world.store.put("names/private/bob/damaged.json", new Uint8Array());
      const before = await world.keys();
      const [, broken] = [await world.save(ann), await world.save(ann, "dog"), await world.save(ann, "fox")];
      await world.library.share(broken.id, ann, "server");
      await world.store.put(`concepts/${broken.id}/meta.json`, new TextEncoder().encode(record));
      expect(await world.names(ann)).toEqual(["ann/fox", "ann/mycat", "bob/mycat"]);
      expect((await world.library.forget(ann)).failed).toBe(0);
      expect(await world.keys()).toEqual(before);
      expect(await world.library.get(kept.id, ann)).toMatchObject({ name: "mycat" });
    },
  );

  test("leaves a concept whose damaged record still says that it is somebody else's", async () => {
    const saved = await world.save(bob);
    const record = `concepts/${saved.id}/meta.json`;
    await world.store.put(record, new TextEncoder().encode('{"owner":{"id":"bob","name":"bob.name"}}'));
    await world.store.put(`owners/ann/${saved.id}.json`, new TextEncoder().encode("{}"));
    expect(await world.library.forget(ann)).toEqual({ removed: 0, failed: 0 });
    expect(await world.keys()).toContain(record);
  });

  test("erases a name that is damaged with the concept that has it", async () => {
    await world.save(ann);
    await world.store.put("names/private/ann/mycat.json", new Uint8Array());
    expect(await world.names(ann)).toEqual([]);
    expect((await world.library.forget(ann)).failed).toBe(0);
    expect(await world.keys()).toEqual([]);
  });

  test("tells how many objects could not be removed, and a second run removes them", async () => {
    await world.save(ann);
    const stuck: Store = {
      ...world.store,
      delete: (key) =>
        key.endsWith(".safetensors") ? Promise.reject(new UserError("unavailable", "x")) : world.store.delete(key),
    };
    expect((await createLibrary(stuck).forget(ann)).failed).toBe(1);
    expect((await world.library.forget(ann)).failed).toBe(0);
    expect(await world.keys()).toEqual([]);
  });

  test.each<[string, RegExp]>([
    ["the record", /^concepts\/.*\/meta/],
    ["a damaged record", /^concepts\/.*\/meta/],
    ["rows", /safetensors$/],
    ["a name", /^names\//],
    ["the owner's mark", /^owners\//],
    ["the deletion's mark", /^deleted\//],
  ])("where %s is kept, nobody brings the rest back and the next purge removes it", async (what, stays) => {
    const saved = await world.save(ann);
    if (what === "a damaged record") await world.store.put(`concepts/${saved.id}/meta.json`, new Uint8Array());
    const remove: Store["delete"] = (key) =>
      stays.test(key) ? Promise.reject(new UserError("unavailable", "x")) : world.store.delete(key);
    expect((await createLibrary({ ...world.store, delete: remove }, () => world.now).forget(ann)).failed).toBe(1);
    await expect(world.library.restore(saved.id, ann)).rejects.toThrowError();
    await world.library.purge();
    expect(await world.keys()).toEqual([]);
  });

  test("where a record could not be changed, the next purge erases the concept all the same", async () => {
    await world.save(ann);
    const refused: Store["put"] = (...args) =>
      args[0].endsWith("meta.json") ? Promise.reject(new UserError("unavailable", "x")) : world.store.put(...args);
    expect((await createLibrary({ ...world.store, put: refused }, () => world.now).forget(ann)).failed).toBe(1);
    expect(await world.library.purge()).toBe(1);
    expect(await world.keys()).toEqual([]);
  });

  test("is not kept by a damaged record of somebody else's from purging, and the damage is told afterwards", async () => {
    const damaged = await world.save(bob);
    await world.library.delete(damaged.id, bob);
    await world.store.put(`concepts/${damaged.id}/meta.json`, new Uint8Array());
    const before = await world.keys();
    await world.library.delete((await world.save(ann)).id, ann);
    world.now += 8 * day;
    await expect(world.library.purge()).rejects.toThrowError(damaged.id);
    expect(await world.keys()).toEqual(before);
  });
});

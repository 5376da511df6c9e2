import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Concept } from "../../functions/concepts/concept-file.ts";
import { findDeleted } from "../../functions/concepts/find-deleted.ts";
import { type ConceptLibrary, createLibrary } from "../../functions/concepts/library.ts";
import { openFileStore } from "../../functions/store/file.ts";
import { listAll, type Store } from "../../functions/store/store.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import type { Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { goldenConcept, goldenRows } from "../support/golden-concept.ts";

const top = await mkdtemp(join(tmpdir(), "library-"));
afterAll(() => rm(top, { recursive: true, force: true }));

const day = 24 * 3_600_000;
const server = "500";
const viewer = (id: string, more: Partial<Viewer> = {}): Viewer => ({
  user: { id, name: `${id}.name` },
  server,
  moderator: false,
  ...more,
});
const ann = viewer("ann");
const bob = viewer("bob");
const eve = viewer("eve", { server: "666" });
const moderator = viewer("mod", { moderator: true });

let store: Store;
let now = Date.parse("2026-08-01T00:00:00Z");
let library: ConceptLibrary;
beforeEach(async () => {
  store = await openFileStore(await mkdtemp(join(top, "s-")));
  now = Date.parse("2026-08-01T00:00:00Z");
  library = createLibrary(store, () => now);
});

let ids = 0;
function conceptOf(owner: Viewer, name = "mycat", rows = goldenRows): Concept {
  ids += 1;
  const [tokens = 0] = rows.shape;
  const created = new Date(now + ids).toISOString();
  return { meta: { ...goldenConcept.meta, id: `c${ids}`, name, owner: owner.user, tokens, created }, rows };
}
const save = (owner: Viewer, name?: string) => library.save(conceptOf(owner, name));
const refusal = (code: string, words = "") =>
  expect.objectContaining({ name: "UserError", code, message: expect.stringContaining(words) });
const names = async (who: Viewer | undefined, options = {}) =>
  (await library.list(who, options)).map(({ name, owner }) => `${owner.id}/${name}`);
const keys = async () => (await Array.fromAsync(listAll(store, ""))).map(({ key }) => key);

describe("saving", () => {
  test("a saved concept is private, its owner finds it by name and loads its rows", async () => {
    const saved = await save(ann);
    expect(saved).toMatchObject({ name: "mycat", scope: "private", scopeId: "ann", version: 1 });
    expect(await library.resolve({ name: "mycat" }, ann)).toEqual(saved);
    expect(await library.load(saved.id, ann)).toEqual({ meta: saved, rows: goldenRows });
    expect(await names(ann)).toEqual(["ann/mycat"]);
  });

  test("a name that the owner has already gets a number, within 32 characters", async () => {
    const long = "x".repeat(32);
    expect((await save(ann)).name).toBe("mycat");
    expect((await save(ann)).name).toBe("mycat-2");
    expect((await save(ann)).name).toBe("mycat-3");
    expect((await save(ann, long)).name).toBe(long);
    expect((await save(ann, long)).name).toBe(`${"x".repeat(30)}-2`);
    expect((await save(bob)).name).toBe("mycat");
  });

  test("saving the same job's concept twice, also at once, joins", async () => {
    const concept = conceptOf(ann);
    const saved = await Promise.all([library.save(concept), library.save(concept), library.save(concept)]);
    expect(new Set(saved.map(({ name }) => name))).toEqual(new Set(["mycat"]));
    expect(await names(ann)).toEqual(["ann/mycat"]);
  });

  test("somebody else's id is a conflict", async () => {
    const concept = conceptOf(ann);
    await library.save(concept);
    const theft = { ...concept, meta: { ...concept.meta, owner: bob.user } };
    await expect(library.save(theft)).rejects.toThrowError(refusal("conflict"));
  });

  test("five concepts of one name at once get five names", async () => {
    const saved = await Promise.all(Array.from({ length: 5 }, () => save(ann)));
    expect(new Set(saved.map(({ name }) => name)).size).toBe(5);
  });

  test("names of any script are kept, found and listed", async () => {
    for (const name of ["ねこ", "кошка", "café"]) await save(ann, name);
    expect((await library.resolve({ name: "ねこ" }, ann)).name).toBe("ねこ");
    expect(await names(ann, { prefix: "КОШ" })).toEqual(["ann/кошка"]);
    expect((await names(ann)).length).toBe(3);
  });

  test.each(["the owner's mark", "the rows", "the record", "the name"])(
    "a save killed after %s is finished by the next run",
    async (after) => {
      const concept = conceptOf(ann);
      let left = ["the owner's mark", "the rows", "the record", "the name"].indexOf(after) + 1;
      const dying: Store = {
        ...store,
        put: (...args) => (left-- > 0 ? store.put(...args) : Promise.reject(new Error("killed"))),
      };
      await createLibrary(dying)
        .save(concept)
        .catch(() => undefined);
      if (after !== "the name")
        await expect(library.resolve({ name: "mycat" }, ann)).rejects.toThrowError(refusal("not_found"));
      expect((await library.save(concept)).name).toBe("mycat");
      expect(await names(ann)).toEqual(["ann/mycat"]);
    },
  );
});

describe("a private concept", () => {
  test.each([
    ["a member of the server", bob],
    ["a moderator", moderator],
    ["a stranger", undefined],
  ])("does not exist for %s, by any route", async (_, who) => {
    const saved = await save(ann);
    const absent = refusal("not_found");
    const asViewer = who ?? eve;
    await expect(library.resolve({ name: "mycat" }, who)).rejects.toThrowError(absent);
    await expect(library.resolve({ owner: "ann", name: "mycat" }, who)).rejects.toThrowError(absent);
    await expect(library.resolve({ owner: "ann.name", name: "mycat" }, who)).rejects.toThrowError(absent);
    await expect(library.get(saved.id, who)).rejects.toThrowError(absent);
    await expect(library.load(saved.id, who)).rejects.toThrowError(absent);
    await expect(library.load(saved.id, who, 1)).rejects.toThrowError(absent);
    await expect(library.share(saved.id, asViewer, "public")).rejects.toThrowError(absent);
    await expect(library.share(saved.id, asViewer, "private")).rejects.toThrowError(absent);
    await expect(library.delete(saved.id, asViewer)).rejects.toThrowError(absent);
    await expect(library.restore(saved.id, asViewer)).rejects.toThrowError(absent);
    await expect(library.relearn(saved.id, asViewer, conceptOf(asViewer))).rejects.toThrowError(absent);
    expect(await library.list(who)).toEqual([]);
    await library.forget(asViewer);
    expect(await library.get(saved.id, ann)).toEqual(saved);
  });

  test("is answered exactly like one that never was, and is never suggested", async () => {
    await save(ann, "secretcat");
    const messageOf = (name: string) =>
      library.resolve({ name }, bob).catch((error: Error) => error.message.replace(name, "…"));
    expect(await messageOf("secretcat")).toBe(await messageOf("nothing-at-all"));
    expect(await messageOf("secretcats")).toBe(await messageOf("nothing-at-all"));
  });

  test.each(["../../etc", "x/y", "", "a".repeat(100), "meta.json"])("the id %j is just not found", async (id) => {
    await expect(library.get(id, ann)).rejects.toThrowError(refusal("not_found"));
  });
});

describe("sharing", () => {
  test("with a server lets its members see and use it, and nobody else", async () => {
    const saved = await save(ann);
    expect(await library.share(saved.id, ann, "server")).toMatchObject({
      plain: true,
      reference: "mycat",
      meta: { scope: "server", scopeId: server },
    });
    expect(await library.resolve({ name: "mycat" }, bob)).toMatchObject({ id: saved.id });
    expect((await library.load(saved.id, bob)).rows).toEqual(goldenRows);
    expect(await names(bob)).toEqual(["ann/mycat"]);
    await expect(library.resolve({ name: "mycat" }, eve)).rejects.toThrowError(refusal("not_found"));
    await expect(library.get(saved.id, undefined)).rejects.toThrowError(refusal("not_found"));
    await expect(library.delete(saved.id, bob)).rejects.toThrowError(refusal("forbidden", "ann.name"));
    await expect(library.share(saved.id, bob, "public")).rejects.toThrowError(refusal("forbidden"));
    await expect(library.share(saved.id, bob, "private")).rejects.toThrowError(refusal("forbidden"));
    await expect(library.relearn(saved.id, bob, conceptOf(bob))).rejects.toThrowError(refusal("forbidden"));
  });

  test("outside a server is refused in words", async () => {
    const saved = await save(ann);
    const { server: _, ...alone } = ann;
    await expect(library.share(saved.id, alone, "server")).rejects.toThrowError(refusal("bad_request"));
  });

  test("its owner still has it everywhere, and it can be taken back", async () => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    expect((await library.resolve({ name: "mycat" }, { ...ann, server: "other" })).id).toBe(saved.id);
    await library.share(saved.id, ann, "private");
    await expect(library.resolve({ name: "mycat" }, bob)).rejects.toThrowError(refusal("not_found"));
    expect((await library.resolve({ name: "mycat" }, ann)).scope).toBe("private");
    expect((await keys()).filter((key) => key.startsWith("names/server"))).toEqual([]);
  });

  test("a taken name keeps both: the first by the plain name, each by its owner's", async () => {
    const [first, second] = [await save(ann), await save(bob)];
    await library.share(first.id, ann, "server");
    expect(await library.share(second.id, bob, "server")).toMatchObject({ plain: false, reference: "bob.name/mycat" });
    const carol = viewer("carol");
    const idOf = async (owner?: string) =>
      (await library.resolve({ name: "mycat", ...(owner ? { owner } : {}) }, carol)).id;
    expect(await idOf()).toBe(first.id);
    expect(await idOf("ann.name")).toBe(first.id);
    expect(await idOf("BOB.name")).toBe(second.id);
    expect(await idOf("bob")).toBe(second.id);
    expect(await names(carol)).toEqual(["ann/mycat", "bob/mycat"]);
    expect((await library.resolve({ name: "mycat" }, bob)).id).toBe(second.id);
    await library.share(first.id, ann, "private");
    expect(await idOf()).toBe(second.id);
  });

  test("names resolve mine, then this server's, then public", async () => {
    const [a, b, c] = [await save(ann), await save(bob), await save(eve)];
    await library.share(c.id, eve, "public");
    const carol = viewer("carol");
    expect((await library.resolve({ name: "mycat" }, carol)).id).toBe(c.id);
    expect((await library.resolve({ name: "mycat" }, undefined)).id).toBe(c.id);
    await library.share(b.id, bob, "server");
    expect((await library.resolve({ name: "mycat" }, carol)).id).toBe(b.id);
    expect((await library.resolve({ name: "mycat" }, ann)).id).toBe(a.id);
  });

  test("six who share one name at once: one has the plain name, all are found", async () => {
    const people = Array.from({ length: 6 }, (_, i) => viewer(`p${i}`));
    const saved = await Promise.all(people.map((person) => save(person)));
    const shared = await Promise.all(saved.map(({ id }, i) => library.share(id, people[i] ?? ann, "server")));
    expect(shared.filter(({ plain }) => plain).length).toBe(1);
    expect((await names(viewer("carol"))).length).toBe(6);
  });

  test("a moderator takes a concept out of their server, and does nothing else to it", async () => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    await expect(library.delete(saved.id, moderator)).rejects.toThrowError(refusal("forbidden"));
    await expect(library.share(saved.id, moderator, "public")).rejects.toThrowError(refusal("forbidden"));
    await library.share(saved.id, moderator, "private");
    await expect(library.get(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    await expect(library.get(saved.id, moderator)).rejects.toThrowError(refusal("not_found"));
    expect((await library.get(saved.id, ann)).scope).toBe("private");
  });

  test("a near miss is asked about, if the viewer can use it", async () => {
    const saved = await save(ann, "teapot");
    await library.share(saved.id, ann, "server");
    await expect(library.resolve({ name: "taepot" }, bob)).rejects.toThrowError(
      refusal("not_found", "Did you mean <teapot>?"),
    );
    await library.delete(saved.id, ann);
    await expect(library.resolve({ name: "taepot" }, bob)).rejects.not.toThrowError(refusal("not_found", "teapot"));
  });

  test("a list goes by prefix, owner and limit", async () => {
    for (const name of ["cat", "car", "dog"]) await save(ann, name);
    const shared = await save(bob, "cab");
    await library.share(shared.id, bob, "server");
    expect(await names(ann, { prefix: "ca" })).toEqual(["ann/car", "ann/cat", "bob/cab"]);
    expect(await names(ann, { owner: "me" })).toEqual(["ann/car", "ann/cat", "ann/dog"]);
    expect(await names(ann, { limit: 2 })).toEqual(["ann/car", "ann/cat"]);
    expect(await names(undefined, { owner: "me" })).toEqual([]);
  });
});

describe("deleting", () => {
  test("takes a concept from everybody at once, and 7 days of undo bring it back as it was", async () => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    expect(await library.delete(saved.id, ann)).toEqual({ undoUntil: "2026-08-08T00:00:00.000Z" });
    for (const who of [ann, bob]) {
      await expect(library.get(saved.id, who)).rejects.toThrowError(refusal("not_found"));
      await expect(library.resolve({ name: "mycat" }, who)).rejects.toThrowError(refusal("not_found"));
      expect(await library.list(who)).toEqual([]);
    }
    now += 7 * day - 1;
    await expect(library.restore(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    expect(await library.purge()).toBe(0);
    expect(await library.restore(saved.id, ann)).toMatchObject({ name: "mycat", scope: "server" });
    expect((await library.resolve({ name: "mycat" }, bob)).id).toBe(saved.id);
    expect((await keys()).filter((key) => key.startsWith("deleted/"))).toEqual([]);
  });

  test("and bringing back may be asked for again, by a client that lost the answer, and answer the same", async () => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    const deleted = await library.delete(saved.id, ann);
    now += day;
    expect(await library.delete(saved.id, ann)).toEqual(deleted);
    await expect(library.delete(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    const restored = await library.restore(saved.id, ann);
    const before = await keys();
    expect(await library.restore(saved.id, ann)).toEqual(restored);
    await expect(library.restore(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    expect(await keys()).toEqual(before);
    await library.delete(saved.id, ann);
    now += 7 * day;
    await expect(library.delete(saved.id, ann)).rejects.toThrowError(refusal("not_found"));
  });

  test.each([1, 2, 3, 4, 5, 6])("is undone whole where the first try was killed after %i writes", async (writes) => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    await library.delete(saved.id, ann);
    await save(ann);
    let left = writes;
    const dying: Store = {
      ...store,
      put: (...args) => (left-- > 0 ? store.put(...args) : Promise.reject(new Error("killed"))),
    };
    await expect(createLibrary(dying, () => now).restore(saved.id, ann)).rejects.toThrowError("killed");
    expect((await library.restore(saved.id, ann)).name).toBe("mycat-2");
    expect(await names(bob)).toEqual(["ann/mycat-2"]);
    await library.forget(ann);
    expect(await keys()).toEqual([]);
  });

  test("is final after 7 days, and leaves nothing in the store", async () => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    await library.delete(saved.id, ann);
    now += 7 * day;
    await expect(library.restore(saved.id, ann)).rejects.toThrowError(refusal("not_found"));
    expect(await library.purge()).toBe(0);
    now += 3_600_000;
    expect(await library.purge()).toBe(1);
    expect(await keys()).toEqual([]);
  });

  test("frees the name, and restoring then takes a number", async () => {
    const first = await save(ann);
    await library.delete(first.id, ann);
    expect((await save(ann)).name).toBe("mycat");
    expect((await library.restore(first.id, ann)).name).toBe("mycat-2");
    expect(await names(ann)).toEqual(["ann/mycat", "ann/mycat-2"]);
  });

  test("of a shared concept that comes back under another name leaves no trace of the old one", async () => {
    const first = await save(ann);
    await library.share(first.id, ann, "server");
    await library.delete(first.id, ann);
    const second = await save(ann);
    await library.restore(first.id, ann);
    expect(await names(bob)).toEqual(["ann/mycat-2"]);
    expect((await library.resolve({ name: "mycat-2" }, bob)).id).toBe(first.id);
    await library.share(second.id, ann, "server");
    expect(await names(bob)).toEqual(["ann/mycat", "ann/mycat-2"]);
    await library.forget(ann);
    expect(await keys()).toEqual([]);
  });
});

describe("a damaged record", () => {
  const damage = (key: string) => store.put(key, new TextEncoder().encode("{"));

  test("keeps its name, so that the next of that name gets a number", async () => {
    const damaged = await save(ann);
    await damage(`concepts/${damaged.id}/meta.json`);
    expect((await save(ann)).name).toBe("mycat-2");
    await damage("names/private/ann/mycat-2.json");
    expect((await save(ann)).name).toBe("mycat-3");
  });

  test("does not keep another from being shared or found among the deleted", async () => {
    const [first, second, third] = [await save(ann), await save(bob), await save(ann, "dog")];
    await library.share(first.id, ann, "server");
    await library.delete(third.id, ann);
    await damage(`concepts/${first.id}/meta.json`);
    expect(await library.share(second.id, bob, "server")).toMatchObject({ plain: false, reference: "bob.name/mycat" });
    expect(await findDeleted(store, "dog", ann)).toBe(third.id);
  });
});

describe("relearning", () => {
  test("adds a version, keeps name and scope, and leaves the old one to be loaded", async () => {
    const saved = await save(ann);
    await library.share(saved.id, ann, "server");
    const better = tensor(new Float32Array(16).fill(2), [1, 16]);
    const meta = await library.relearn(saved.id, ann, conceptOf(ann, "other", better));
    expect(meta).toMatchObject({
      id: saved.id,
      name: "mycat",
      scope: "server",
      version: 2,
      tokens: 1,
      versions: [{ version: 1 }],
    });
    expect((await library.load(saved.id, bob)).rows).toEqual(better);
    expect(await library.load(saved.id, bob, 1)).toMatchObject({
      rows: goldenRows,
      meta: { version: 1, scope: "server" },
    });
    await expect(library.load(saved.id, bob, 3)).rejects.toThrowError(refusal("not_found", "version 3"));
  });

  test("two at once are two versions", async () => {
    const saved = await save(ann);
    const both = await Promise.all([1, 2].map(() => library.relearn(saved.id, ann, conceptOf(ann))));
    expect(new Set(both.map(({ version }) => version)).size).toBe(2);
    for (const { version } of both) expect((await library.load(saved.id, ann, version)).rows).toEqual(goldenRows);
  });
});

describe("forgetting", () => {
  test("destroys everything of one person at once: versions, pictures, names, deleted ones too", async () => {
    const kept = await save(bob);
    await library.share(kept.id, bob, "server");
    for (const key of ["mask", "preview"]) await store.put(`concepts/golden1/${key}.png`, new Uint8Array(9));
    const before = await keys();
    const [first, second, third] = [await save(ann), await save(ann, "dog"), await save(ann, "fox")];
    await library.relearn(first.id, ann, conceptOf(ann));
    await library.share(second.id, ann, "server");
    await library.delete(third.id, ann);
    const { removed, failed } = await library.forget(ann);
    expect(failed).toBe(0);
    expect(removed).toBeGreaterThan(12);
    expect(await keys()).toEqual(before);
    expect(await library.forget(ann)).toEqual({ removed: 0, failed: 0 });
  });

  test("finds the names that a share cut short left behind", async () => {
    const saved = await save(ann);
    for (const writes of [1, 2, 3, 4]) {
      let left = writes;
      const put: Store["put"] = (...args) => (left-- > 0 ? store.put(...args) : Promise.reject(new Error("killed")));
      const dying = createLibrary({ ...store, put });
      await dying.share(saved.id, ann, writes % 2 === 0 ? "private" : "server").catch(() => undefined);
    }
    await library.forget(ann);
    expect(await keys()).toEqual([]);
  });

  test.each(["", "{", '{"owner":{"id":"ann","name":"ann.name"},"nameKeys":0}'])(
    "erases a concept whose record is the damaged %j, with its names, and those after it",
    async (record) => {
      const kept = await save(bob);
      await library.share(kept.id, bob, "server");
      await store.put("names/private/bob/damaged.json", new Uint8Array());
      const before = await keys();
      const [, broken] = [await save(ann), await save(ann, "dog"), await save(ann, "fox")];
      await library.share(broken.id, ann, "server");
      await store.put(`concepts/${broken.id}/meta.json`, new TextEncoder().encode(record));
      expect(await names(ann)).toEqual(["ann/fox", "ann/mycat", "bob/mycat"]);
      expect((await library.forget(ann)).failed).toBe(0);
      expect(await keys()).toEqual(before);
      expect(await library.get(kept.id, ann)).toMatchObject({ name: "mycat" });
    },
  );

  test("leaves a concept whose damaged record still says that it is somebody else's", async () => {
    const saved = await save(bob);
    const record = `concepts/${saved.id}/meta.json`;
    await store.put(record, new TextEncoder().encode('{"owner":{"id":"bob","name":"bob.name"}}'));
    await store.put(`owners/ann/${saved.id}.json`, new TextEncoder().encode("{}"));
    expect(await library.forget(ann)).toEqual({ removed: 0, failed: 0 });
    expect(await keys()).toContain(record);
  });

  test("erases a name that is damaged with the concept that has it", async () => {
    await save(ann);
    await store.put("names/private/ann/mycat.json", new Uint8Array());
    expect(await names(ann)).toEqual([]);
    expect((await library.forget(ann)).failed).toBe(0);
    expect(await keys()).toEqual([]);
  });

  test("tells how many objects could not be removed, and a second run removes them", async () => {
    await save(ann);
    const stuck: Store = {
      ...store,
      delete: (key) =>
        key.endsWith(".safetensors") ? Promise.reject(new UserError("unavailable", "x")) : store.delete(key),
    };
    expect((await createLibrary(stuck).forget(ann)).failed).toBe(1);
    expect((await library.forget(ann)).failed).toBe(0);
    expect(await keys()).toEqual([]);
  });

  test.each<[string, RegExp]>([
    ["the record", /^concepts\/.*\/meta/],
    ["a damaged record", /^concepts\/.*\/meta/],
    ["rows", /safetensors$/],
    ["a name", /^names\//],
    ["the owner's mark", /^owners\//],
    ["the deletion's mark", /^deleted\//],
  ])("where %s is kept, nobody brings the rest back and the next purge removes it", async (what, stays) => {
    const saved = await save(ann);
    if (what === "a damaged record") await store.put(`concepts/${saved.id}/meta.json`, new Uint8Array());
    const remove: Store["delete"] = (key) =>
      stays.test(key) ? Promise.reject(new UserError("unavailable", "x")) : store.delete(key);
    expect((await createLibrary({ ...store, delete: remove }, () => now).forget(ann)).failed).toBe(1);
    await expect(library.restore(saved.id, ann)).rejects.toThrowError();
    await library.purge();
    expect(await keys()).toEqual([]);
  });

  test("where a record could not be changed, the next purge erases the concept all the same", async () => {
    await save(ann);
    const refused: Store["put"] = (...args) =>
      args[0].endsWith("meta.json") ? Promise.reject(new UserError("unavailable", "x")) : store.put(...args);
    expect((await createLibrary({ ...store, put: refused }, () => now).forget(ann)).failed).toBe(1);
    expect(await library.purge()).toBe(1);
    expect(await keys()).toEqual([]);
  });

  test("is not kept by a damaged record of somebody else's from purging, and the damage is told afterwards", async () => {
    const damaged = await save(bob);
    await library.delete(damaged.id, bob);
    await store.put(`concepts/${damaged.id}/meta.json`, new Uint8Array());
    const before = await keys();
    await library.delete((await save(ann)).id, ann);
    now += 8 * day;
    await expect(library.purge()).rejects.toThrowError(damaged.id);
    expect(await keys()).toEqual(before);
  });
});

import { describe, expect, test } from "vitest";
import { createLibrary } from "../../functions/concepts/library.ts";
import type { Store } from "../../functions/store/store.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { ann, bob, day, emptyLibrary, eve, moderator, refusal, server, viewer } from "../support/empty-library.ts";
import { goldenRows } from "../support/golden-concept.ts";

const world = await emptyLibrary();

describe("saving", () => {
  test("a saved concept is private, its owner finds it by name and loads its rows", async () => {
    const saved = await world.save(ann);
    expect(saved).toMatchObject({ name: "mycat", scope: "private", scopeId: "ann", version: 1 });
    expect(await world.library.resolve({ name: "mycat" }, ann)).toEqual(saved);
    expect(await world.library.load(saved.id, ann)).toEqual({ meta: saved, rows: goldenRows });
    expect(await world.names(ann)).toEqual(["ann/mycat"]);
  });

  test("a name that the owner has already gets a number, within 32 characters", async () => {
    const long = "x".repeat(32);
    expect((await world.save(ann)).name).toBe("mycat");
    expect((await world.save(ann)).name).toBe("mycat-2");
    expect((await world.save(ann)).name).toBe("mycat-3");
    expect((await world.save(ann, long)).name).toBe(long);
    expect((await world.save(ann, long)).name).toBe(`${"x".repeat(30)}-2`);
    expect((await world.save(bob)).name).toBe("mycat");
  });

  test("saving the same job's concept twice, also at once, joins", async () => {
    const concept = world.conceptOf(ann);
    const saved = await Promise.all([
      world.library.save(concept),
      world.library.save(concept),
      world.library.save(concept),
    ]);
    expect(new Set(saved.map(({ name }) => name))).toEqual(new Set(["mycat"]));
    expect(await world.names(ann)).toEqual(["ann/mycat"]);
  });

  test("somebody else's id is a conflict", async () => {
    const concept = world.conceptOf(ann);
    await world.library.save(concept);
    const theft = { ...concept, meta: { ...concept.meta, owner: bob.user } };
    await expect(world.library.save(theft)).rejects.toThrowError(refusal("conflict"));
  });

  test("five concepts of one name at once get five names", async () => {
    const saved = await Promise.all(Array.from({ length: 5 }, () => world.save(ann)));
    expect(new Set(saved.map(({ name }) => name)).size).toBe(5);
  });

  test("names of any script are kept, found and listed", async () => {
    for (const name of ["ねこ", "кошка", "café"]) await world.save(ann, name);
    expect((await world.library.resolve({ name: "ねこ" }, ann)).name).toBe("ねこ");
    expect(await world.names(ann, { prefix: "КОШ" })).toEqual(["ann/кошка"]);
    expect((await world.names(ann)).length).toBe(3);
  });

  test.each(["the owner's mark", "the rows", "the record", "the name"])(
    "a save killed after %s is finished by the next run",
    async (after) => {
      const concept = world.conceptOf(ann);
      let left = ["the owner's mark", "the rows", "the record", "the name"].indexOf(after) + 1;
      const dying: Store = {
        ...world.store,
        put: (...args) => (left-- > 0 ? world.store.put(...args) : Promise.reject(new Error("killed"))),
      };
      await createLibrary(dying)
        .save(concept)
        .catch(() => undefined);
      if (after !== "the name")
        await expect(world.library.resolve({ name: "mycat" }, ann)).rejects.toThrowError(refusal("not_found"));
      expect((await world.library.save(concept)).name).toBe("mycat");
      expect(await world.names(ann)).toEqual(["ann/mycat"]);
    },
  );
});

describe("a private concept", () => {
  test.each([
    ["a member of the server", bob],
    ["a moderator", moderator],
    ["a stranger", undefined],
  ])("does not exist for %s, by any route", async (_, who) => {
    const saved = await world.save(ann);
    const absent = refusal("not_found");
    const asViewer = who ?? eve;
    await expect(world.library.resolve({ name: "mycat" }, who)).rejects.toThrowError(absent);
    await expect(world.library.resolve({ owner: "ann", name: "mycat" }, who)).rejects.toThrowError(absent);
    await expect(world.library.resolve({ owner: "ann.name", name: "mycat" }, who)).rejects.toThrowError(absent);
    await expect(world.library.get(saved.id, who)).rejects.toThrowError(absent);
    await expect(world.library.load(saved.id, who)).rejects.toThrowError(absent);
    await expect(world.library.load(saved.id, who, 1)).rejects.toThrowError(absent);
    await expect(world.library.share(saved.id, asViewer, "public")).rejects.toThrowError(absent);
    await expect(world.library.share(saved.id, asViewer, "private")).rejects.toThrowError(absent);
    await expect(world.library.delete(saved.id, asViewer)).rejects.toThrowError(absent);
    await expect(world.library.restore(saved.id, asViewer)).rejects.toThrowError(absent);
    await expect(world.library.relearn(saved.id, asViewer, world.conceptOf(asViewer))).rejects.toThrowError(absent);
    expect(await world.library.list(who)).toEqual([]);
    await world.library.forget(asViewer);
    expect(await world.library.get(saved.id, ann)).toEqual(saved);
  });

  test("is answered exactly like one that never was, and is never suggested", async () => {
    await world.save(ann, "secretcat");
    const messageOf = (name: string) =>
      world.library.resolve({ name }, bob).catch((error: Error) => error.message.replace(name, "…"));
    expect(await messageOf("secretcat")).toBe(await messageOf("nothing-at-all"));
    expect(await messageOf("secretcats")).toBe(await messageOf("nothing-at-all"));
  });

  test.each(["../../etc", "x/y", "", "a".repeat(100), "meta.json"])("the id %j is just not found", async (id) => {
    await expect(world.library.get(id, ann)).rejects.toThrowError(refusal("not_found"));
  });
});

describe("sharing", () => {
  test("with a server lets its members see and use it, and nobody else", async () => {
    const saved = await world.save(ann);
    expect(await world.library.share(saved.id, ann, "server")).toMatchObject({
      plain: true,
      reference: "mycat",
      meta: { scope: "server", scopeId: server },
    });
    expect(await world.library.resolve({ name: "mycat" }, bob)).toMatchObject({ id: saved.id });
    expect((await world.library.load(saved.id, bob)).rows).toEqual(goldenRows);
    expect(await world.names(bob)).toEqual(["ann/mycat"]);
    await expect(world.library.resolve({ name: "mycat" }, eve)).rejects.toThrowError(refusal("not_found"));
    await expect(world.library.get(saved.id, undefined)).rejects.toThrowError(refusal("not_found"));
    await expect(world.library.delete(saved.id, bob)).rejects.toThrowError(refusal("forbidden", "ann.name"));
    await expect(world.library.share(saved.id, bob, "public")).rejects.toThrowError(refusal("forbidden"));
    await expect(world.library.share(saved.id, bob, "private")).rejects.toThrowError(refusal("forbidden"));
    await expect(world.library.relearn(saved.id, bob, world.conceptOf(bob))).rejects.toThrowError(refusal("forbidden"));
  });

  test("outside a server is refused in words", async () => {
    const saved = await world.save(ann);
    const { server: _, ...alone } = ann;
    await expect(world.library.share(saved.id, alone, "server")).rejects.toThrowError(refusal("bad_request"));
  });

  test("its owner still has it everywhere, and it can be taken back", async () => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    expect((await world.library.resolve({ name: "mycat" }, { ...ann, server: "other" })).id).toBe(saved.id);
    await world.library.share(saved.id, ann, "private");
    await expect(world.library.resolve({ name: "mycat" }, bob)).rejects.toThrowError(refusal("not_found"));
    expect((await world.library.resolve({ name: "mycat" }, ann)).scope).toBe("private");
    expect((await world.keys()).filter((key) => key.startsWith("names/server"))).toEqual([]);
  });

  test("a taken name keeps both: the first by the plain name, each by its owner's", async () => {
    const [first, second] = [await world.save(ann), await world.save(bob)];
    await world.library.share(first.id, ann, "server");
    expect(await world.library.share(second.id, bob, "server")).toMatchObject({
      plain: false,
      reference: "bob.name/mycat",
    });
    const carol = viewer("carol");
    const idOf = async (owner?: string) =>
      (await world.library.resolve({ name: "mycat", ...(owner ? { owner } : {}) }, carol)).id;
    expect(await idOf()).toBe(first.id);
    expect(await idOf("ann.name")).toBe(first.id);
    expect(await idOf("BOB.name")).toBe(second.id);
    expect(await idOf("bob")).toBe(second.id);
    expect(await world.names(carol)).toEqual(["ann/mycat", "bob/mycat"]);
    expect((await world.library.resolve({ name: "mycat" }, bob)).id).toBe(second.id);
    await world.library.share(first.id, ann, "private");
    expect(await idOf()).toBe(second.id);
  });

  test("names resolve mine, then this server's, then public", async () => {
    const [a, b, c] = [await world.save(ann), await world.save(bob), await world.save(eve)];
    await world.library.share(c.id, eve, "public");
    const carol = viewer("carol");
    expect((await world.library.resolve({ name: "mycat" }, carol)).id).toBe(c.id);
    expect((await world.library.resolve({ name: "mycat" }, undefined)).id).toBe(c.id);
    await world.library.share(b.id, bob, "server");
    expect((await world.library.resolve({ name: "mycat" }, carol)).id).toBe(b.id);
    expect((await world.library.resolve({ name: "mycat" }, ann)).id).toBe(a.id);
  });

  test("six who share one name at once: one has the plain name, all are found", async () => {
    const people = Array.from({ length: 6 }, (_, i) => viewer(`p${i}`));
    const saved = await Promise.all(people.map((person) => world.save(person)));
    const shared = await Promise.all(saved.map(({ id }, i) => world.library.share(id, people[i] ?? ann, "server")));
    expect(shared.filter(({ plain }) => plain).length).toBe(1);
    expect((await world.names(viewer("carol"))).length).toBe(6);
  });

  test("a moderator takes a concept out of their server, and does nothing else to it", async () => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    await expect(world.library.delete(saved.id, moderator)).rejects.toThrowError(refusal("forbidden"));
    await expect(world.library.share(saved.id, moderator, "public")).rejects.toThrowError(refusal("forbidden"));
    await world.library.share(saved.id, moderator, "private");
    await expect(world.library.get(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    await expect(world.library.get(saved.id, moderator)).rejects.toThrowError(refusal("not_found"));
    expect((await world.library.get(saved.id, ann)).scope).toBe("private");
  });

  test("a near miss is asked about, if the viewer can use it", async () => {
    const saved = await world.save(ann, "teapot");
    await world.library.share(saved.id, ann, "server");
    await expect(world.library.resolve({ name: "taepot" }, bob)).rejects.toThrowError(
      refusal("not_found", "Did you mean <teapot>?"),
    );
    await world.library.delete(saved.id, ann);
    await expect(world.library.resolve({ name: "taepot" }, bob)).rejects.not.toThrowError(
      refusal("not_found", "teapot"),
    );
  });

  test("a list goes by prefix, owner and limit", async () => {
    for (const name of ["cat", "car", "dog"]) await world.save(ann, name);
    const shared = await world.save(bob, "cab");
    await world.library.share(shared.id, bob, "server");
    expect(await world.names(ann, { prefix: "ca" })).toEqual(["ann/car", "ann/cat", "bob/cab"]);
    expect(await world.names(ann, { owner: "me" })).toEqual(["ann/car", "ann/cat", "ann/dog"]);
    expect(await world.names(ann, { limit: 2 })).toEqual(["ann/car", "ann/cat"]);
    expect(await world.names(undefined, { owner: "me" })).toEqual([]);
  });
});

describe("deleting", () => {
  test("takes a concept from everybody at once, and 7 days of undo bring it back as it was", async () => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    expect(await world.library.delete(saved.id, ann)).toEqual({ undoUntil: "2026-08-08T00:00:00.000Z" });
    for (const who of [ann, bob]) {
      await expect(world.library.get(saved.id, who)).rejects.toThrowError(refusal("not_found"));
      await expect(world.library.resolve({ name: "mycat" }, who)).rejects.toThrowError(refusal("not_found"));
      expect(await world.library.list(who)).toEqual([]);
    }
    world.now += 7 * day - 1;
    await expect(world.library.restore(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    expect(await world.library.purge()).toBe(0);
    expect(await world.library.restore(saved.id, ann)).toMatchObject({ name: "mycat", scope: "server" });
    expect((await world.library.resolve({ name: "mycat" }, bob)).id).toBe(saved.id);
    expect((await world.keys()).filter((key) => key.startsWith("deleted/"))).toEqual([]);
  });

  test("and bringing back may be asked for again, by a client that lost the answer, and answer the same", async () => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    const deleted = await world.library.delete(saved.id, ann);
    world.now += day;
    expect(await world.library.delete(saved.id, ann)).toEqual(deleted);
    await expect(world.library.delete(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    const restored = await world.library.restore(saved.id, ann);
    const before = await world.keys();
    expect(await world.library.restore(saved.id, ann)).toEqual(restored);
    await expect(world.library.restore(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
    expect(await world.keys()).toEqual(before);
    await world.library.delete(saved.id, ann);
    world.now += 7 * day;
    await expect(world.library.delete(saved.id, ann)).rejects.toThrowError(refusal("not_found"));
  });

  test.each([1, 2, 3, 4, 5, 6])("is undone whole where the first try was killed after %i writes", async (writes) => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    await world.library.delete(saved.id, ann);
    await world.save(ann);
    let left = writes;
    const dying: Store = {
      ...world.store,
      put: (...args) => (left-- > 0 ? world.store.put(...args) : Promise.reject(new Error("killed"))),
    };
    await expect(createLibrary(dying, () => world.now).restore(saved.id, ann)).rejects.toThrowError("killed");
    expect((await world.library.restore(saved.id, ann)).name).toBe("mycat-2");
    expect(await world.names(bob)).toEqual(["ann/mycat-2"]);
    await world.library.forget(ann);
    expect(await world.keys()).toEqual([]);
  });

  test("is final after 7 days, and leaves nothing in the store", async () => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    await world.library.delete(saved.id, ann);
    world.now += 7 * day;
    await expect(world.library.restore(saved.id, ann)).rejects.toThrowError(refusal("not_found"));
    expect(await world.library.purge()).toBe(0);
    world.now += 3_600_000;
    expect(await world.library.purge()).toBe(1);
    expect(await world.keys()).toEqual([]);
  });

  test("frees the name, and restoring then takes a number", async () => {
    const first = await world.save(ann);
    await world.library.delete(first.id, ann);
    expect((await world.save(ann)).name).toBe("mycat");
    expect((await world.library.restore(first.id, ann)).name).toBe("mycat-2");
    expect(await world.names(ann)).toEqual(["ann/mycat", "ann/mycat-2"]);
  });

  test("of a shared concept that comes back under another name leaves no trace of the old one", async () => {
    const first = await world.save(ann);
    await world.library.share(first.id, ann, "server");
    await world.library.delete(first.id, ann);
    const second = await world.save(ann);
    await world.library.restore(first.id, ann);
    expect(await world.names(bob)).toEqual(["ann/mycat-2"]);
    expect((await world.library.resolve({ name: "mycat-2" }, bob)).id).toBe(first.id);
    await world.library.share(second.id, ann, "server");
    expect(await world.names(bob)).toEqual(["ann/mycat", "ann/mycat-2"]);
    await world.library.forget(ann);
    expect(await world.keys()).toEqual([]);
  });
});

describe("relearning", () => {
  test("adds a version, keeps name and scope, and leaves the old one to be loaded", async () => {
    const saved = await world.save(ann);
    await world.library.share(saved.id, ann, "server");
    const better = tensor(new Float32Array(16).fill(2), [1, 16]);
    const meta = await world.library.relearn(saved.id, ann, world.conceptOf(ann, "other", better));
    expect(meta).toMatchObject({
      id: saved.id,
      name: "mycat",
      scope: "server",
      version: 2,
      tokens: 1,
      versions: [{ version: 1 }],
    });
    expect((await world.library.load(saved.id, bob)).rows).toEqual(better);
    expect(await world.library.load(saved.id, bob, 1)).toMatchObject({
      rows: goldenRows,
      meta: { version: 1, scope: "server" },
    });
    await expect(world.library.load(saved.id, bob, 3)).rejects.toThrowError(refusal("not_found", "version 3"));
  });

  test("two at once are two versions", async () => {
    const saved = await world.save(ann);
    const both = await Promise.all([1, 2].map(() => world.library.relearn(saved.id, ann, world.conceptOf(ann))));
    expect(new Set(both.map(({ version }) => version)).size).toBe(2);
    for (const { version } of both) expect((await world.library.load(saved.id, ann, version)).rows).toEqual(goldenRows);
  });
});

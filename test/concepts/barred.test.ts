import { expect, test } from "vitest";
import { createLibrary } from "../../functions/concepts/library.ts";
import type { Store } from "../../functions/store/store.ts";
import type { Scope } from "../../shared/concept.ts";
import { ann, bob, emptyLibrary, eve, moderator, refusal } from "../support/empty-library.ts";

const world = await emptyLibrary();

/** The library's store, where something else happens once, just after the first thing was read. */
function afterFirstRead(happen: () => Promise<unknown>): Store {
  let happened = false;
  const get: Store["get"] = async (key) => {
    const found = await world.store.get(key);
    if (!happened) {
      happened = true;
      await happen();
    }
    return found;
  };
  return { ...world.store, get };
}

test("what a moderator took out of a server stays out, whatever its owner does, until a moderator lets it in", async () => {
  const saved = await world.save(ann);
  const share = (who = ann, scope: Scope = "server") => world.library.share(saved.id, who, scope);
  await share();
  await share(moderator, "private");
  const refused = refusal("forbidden", "A moderator took <mycat> out of this server. It stays out until");
  await expect(share()).rejects.toThrowError(refused);
  await world.library.relearn(saved.id, ann, world.conceptOf(ann));
  await world.library.delete(saved.id, ann);
  expect(await world.library.barred(moderator)).toEqual([]);
  await world.library.restore(saved.id, ann);
  await expect(share()).rejects.toThrowError(refused);
  // Elsewhere it is nobody's business; public, it is seen everywhere but there.
  await share({ ...ann, server: "666" });
  expect((await world.library.get(saved.id, eve)).id).toBe(saved.id);
  await share(ann, "public");
  expect((await world.library.get(saved.id, undefined)).id).toBe(saved.id);
  await expect(world.library.get(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
  expect(await world.names(bob)).toEqual([]);

  await share(ann, "private");
  for (const who of [ann, bob, { ...moderator, server: "666" }]) {
    expect(await world.library.barred(who)).toEqual([]);
    await expect(world.library.letIn(saved.id, who)).rejects.toThrowError(refusal("not_found"));
  }
  expect(await world.library.barred(moderator)).toMatchObject([{ id: saved.id, name: "mycat", owner: ann.user }]);
  await world.library.letIn(saved.id, moderator);
  expect(await world.library.barred(moderator)).toEqual([]);
  await expect(world.library.get(saved.id, bob)).rejects.toThrowError(refusal("not_found"));
  await share();
  expect(await world.names(bob)).toEqual(["ann/mycat"]);
  await world.library.forget(ann);
  expect(await world.keys()).toEqual([]);
});

test("a moderator who lets a word in, loses the answer and asks again gets the same", async () => {
  const saved = await world.save(ann);
  await world.library.share(saved.id, ann, "server");
  await world.library.share(saved.id, moderator, "private");
  const letIn = () => world.library.letIn(saved.id, moderator);
  expect(await letIn()).toEqual(await letIn());
  await world.library.delete(saved.id, ann);
  await expect(letIn()).rejects.toThrowError(refusal("not_found"));
});

test("a moderator who takes a word out, loses the answer and asks again gets the same", async () => {
  const saved = await world.save(ann);
  const takeOut = (who = moderator) => world.library.share(saved.id, who, "private");
  await expect(takeOut(), "never shared here").rejects.toThrowError(refusal("not_found"));
  await world.library.share(saved.id, ann, "server");
  const told = await takeOut();
  expect(await takeOut()).toEqual({ ...told, changed: false });
  expect(told.changed).toBe(true);
  for (const who of [bob, { ...moderator, server: "666" }]) {
    await expect(takeOut(who)).rejects.toThrowError(refusal("not_found"));
  }

  await world.library.share(saved.id, { ...ann, server: "666" }, "server");
  await takeOut();
  expect((await world.library.get(saved.id, eve)).id, "shared elsewhere meanwhile").toBe(saved.id);
  await expect(world.library.get(saved.id, moderator)).rejects.toThrowError(refusal("not_found"));

  await world.library.letIn(saved.id, moderator);
  await expect(takeOut(), "let in, and not shared here").rejects.toThrowError(refusal("not_found"));
  await world.library.share(saved.id, ann, "server");
  await takeOut();
  await world.library.delete(saved.id, ann);
  await expect(takeOut(), "deleted").rejects.toThrowError(refusal("not_found"));
});

test("what was taken out is listed by name, as much of it as was asked for", async () => {
  for (const name of ["owl", "cat", "cap"]) {
    const { id } = await world.save(ann, name);
    await world.library.share(id, ann, "server");
    await world.library.share(id, moderator, "private");
  }
  const listed = async (...asked: Parameters<typeof world.library.barred>) =>
    (await world.library.barred(...asked)).map(({ name }) => name);
  expect(await listed(moderator)).toEqual(["cap", "cat", "owl"]);
  expect(await listed(moderator, { prefix: "CA" })).toEqual(["cap", "cat"]);
  expect(await listed(moderator, { limit: 2 })).toEqual(["cap", "cat"]);
  expect(await listed(moderator, { prefix: "cat", limit: 1 })).toEqual(["cat"]);
});

test("a word that its owner moves to another server while a moderator takes it out stays there", async () => {
  const saved = await world.save(ann);
  await world.library.share(saved.id, ann, "server");
  const moving = afterFirstRead(() => world.library.share(saved.id, { ...ann, server: "666" }, "server"));
  await createLibrary(moving).share(saved.id, moderator, "private");
  expect(await world.library.get(saved.id, eve)).toMatchObject({ scope: "server", scopeId: "666" });
  expect(await world.library.barred(moderator)).toMatchObject([{ id: saved.id }]);
});

test("a word that its owner erases while a moderator takes it out leaves nothing behind", async () => {
  const saved = await world.save(ann);
  await world.library.share(saved.id, ann, "server");
  const erasing = afterFirstRead(() => world.library.forget(ann));
  const takeOut = createLibrary(erasing).share(saved.id, moderator, "private");
  await expect(takeOut).rejects.toThrowError(refusal("not_found"));
  expect(await world.keys()).toEqual([]);
});

test("an owner who is a moderator lets their word in by sharing it", async () => {
  const saved = await world.save(ann);
  await world.library.share(saved.id, ann, "server");
  await world.library.share(saved.id, moderator, "private");
  await world.library.share(saved.id, { ...ann, moderator: true }, "server");
  await world.library.share(saved.id, ann, "private");
  await world.library.share(saved.id, ann, "server");
  expect(await world.names(bob)).toEqual(["ann/mycat"]);
});

test("a record from before moderators' decisions were kept is read as one of nobody's decision", async () => {
  const saved = await world.save(ann);
  const key = `concepts/${saved.id}/meta.json`;
  const { barredFrom: _, ...old } = JSON.parse(Buffer.from((await world.store.get(key))?.data ?? []).toString());
  await world.store.put(key, Buffer.from(JSON.stringify(old)));
  await world.library.share(saved.id, ann, "server");
  expect(await world.names(bob)).toEqual(["ann/mycat"]);
});

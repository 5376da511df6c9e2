import { expect, test } from "vitest";
import { listAll } from "../../functions/store/store.ts";
import { ann, emptyLibrary, refusal } from "../support/empty-library.ts";

const world = await emptyLibrary();

/** Every object's key and version. */
const everything = async () =>
  (await Array.fromAsync(listAll(world.store, ""))).map(({ key, version }) => `${key} ${version}`);

test("what was learned on another model does not join under the same id: the refusal says so and nothing changes", async () => {
  await world.store.put("jobs/a/files/1.png", new Uint8Array([1]));
  const concept = world.conceptOf(ann);
  const pictured = { ...concept, meta: { ...concept.meta, preview: "jobs/a/files/1.png" } };
  await world.library.save(pictured);
  await world.store.put("jobs/a/files/1.png", new Uint8Array([2]));
  const before = await everything();
  const other = { ...pictured, meta: { ...pictured.meta, baseModel: { id: "other", hash: "ffff" } } };
  await expect(world.library.save(other)).rejects.toThrowError(refusal("conflict", "another model, tiny-sd"));
  expect(await everything()).toEqual(before);
});

test("nor does what was learned join a word that is deleted", async () => {
  const concept = world.conceptOf(ann);
  const { id } = await world.library.save(concept);
  await world.library.delete(id, ann);
  const before = await everything();
  await expect(world.library.save(concept)).rejects.toThrowError(refusal("conflict", "<mycat>, which is deleted"));
  expect(await everything()).toEqual(before);
});

test("a passport that could not be read again is refused with its field, and nothing of it is written", async () => {
  const concept = world.conceptOf(ann);
  const wrong = { ...concept, meta: { ...concept.meta, caption: "x".repeat(501) } };
  const said = refusal("bad_concept", "<mycat> cannot be saved: caption: ");
  await expect(world.library.save(wrong)).rejects.toThrowError(said);
  expect(await everything()).toEqual([]);
  const { id } = await world.library.save(concept);
  const before = await everything();
  await expect(world.library.relearn(id, ann, wrong)).rejects.toThrowError(said);
  expect(await everything()).toEqual(before);
});

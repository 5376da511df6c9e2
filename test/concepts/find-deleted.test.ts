import { expect, test } from "vitest";
import { ann, bob, day, emptyLibrary } from "../support/empty-library.ts";

const world = await emptyLibrary();

const deleted = async (who = ann) => (await world.library.deleted(who)).map(({ meta }) => meta.id);

test("what can be restored is listed to its owner alone, the last one first, until its time is over", async () => {
  const [first, second, kept] = [await world.save(ann), await world.save(ann, "dog"), await world.save(ann, "fox")];
  expect(await deleted()).toEqual([]);
  const { undoUntil } = await world.library.delete(first.id, ann);
  world.now += day;
  await world.library.delete(second.id, ann);
  expect(await deleted()).toEqual([second.id, first.id]);
  expect((await world.library.deleted(ann))[1]?.undoUntil).toBe(undoUntil);
  expect(await deleted(bob)).toEqual([]);
  world.now += 6 * day;
  expect(await deleted(), "seven days later").toEqual([second.id]);
  await world.library.restore(second.id, ann);
  await world.library.delete(kept.id, ann);
  await world.library.forget(ann);
  expect(await deleted()).toEqual([]);
});

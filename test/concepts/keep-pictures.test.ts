import { expect, test } from "vitest";
import { createLibrary } from "../../functions/concepts/library.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { goldenConcept } from "../support/golden-concept.ts";

test("a concept keeps its own copies of its pictures: they outlive the upload and the job they came from", async () => {
  const store = createMemoryStore();
  const library = createLibrary(store);
  const { owner } = goldenConcept.meta;
  await store.put("jobs/a/files/scene-1.png", new Uint8Array([1]));
  await store.put("uploads/1/ab.png", new Uint8Array([2]));
  const taken = { preview: "jobs/a/files/scene-1.png", source: "uploads/1/ab.png", mask: "drafts/d/files/gone.png" };
  const concept = { ...goldenConcept, meta: { ...goldenConcept.meta, id: "c1", ...taken } };
  const saved = await library.save(concept);
  expect(saved).toMatchObject({ preview: "concepts/c1/preview-1.png", source: "concepts/c1/source-1.png" });
  expect(saved.mask).toBeUndefined();
  expect(await library.save(concept)).toEqual(saved);

  await store.put("jobs/b/files/scene-1.png", new Uint8Array([3]));
  const again = { ...concept, meta: { ...concept.meta, id: "c2", preview: "jobs/b/files/scene-1.png" } };
  const newer = await library.relearn("c1", { user: owner, moderator: false }, again);
  expect(newer.preview).toBe("concepts/c1/preview-2.png");
  for (const key of ["jobs/a/files/scene-1.png", "jobs/b/files/scene-1.png", "uploads/1/ab.png"])
    await store.delete(key);
  expect((await store.get(newer.preview ?? ""))?.data).toEqual(new Uint8Array([3]));

  await library.forget({ user: owner, moderator: false });
  expect(store.keys()).toEqual([]);
});

import { expect, test } from "vitest";
import { publicMeta } from "../../functions/concepts/concept-file.ts";
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

test("the further pictures of a concept are kept, shown to nobody else and forgotten like the first", async () => {
  const store = createMemoryStore();
  const library = createLibrary(store);
  const { owner } = goldenConcept.meta;
  for (const key of ["uploads/1/b.png", "jobs/a/files/mask-2.png", "uploads/1/c.png"])
    await store.put(key, new Uint8Array([1]));
  const morePictures = [
    { source: "uploads/1/b.png", mask: "jobs/a/files/mask-2.png" },
    { source: "uploads/1/gone.png" },
    { source: "uploads/1/c.png" },
  ];
  const saved = await library.save({ ...goldenConcept, meta: { ...goldenConcept.meta, id: "c3", morePictures } });
  expect(saved.morePictures).toEqual([
    { source: "concepts/c3/source-2-1.png", mask: "concepts/c3/mask-2-1.png" },
    { source: "concepts/c3/source-4-1.png" },
  ]);
  expect(JSON.stringify(publicMeta(saved))).not.toContain("concepts/c3");
  await library.forget({ user: owner, moderator: false });
  expect(store.keys().filter((key) => key.startsWith("concepts/"))).toEqual([]);
});

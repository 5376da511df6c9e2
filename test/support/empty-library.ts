import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect } from "vitest";
import type { Concept } from "../../functions/concepts/concept-file.ts";
import { type ConceptLibrary, createLibrary } from "../../functions/concepts/library.ts";
import { openFileStore } from "../../functions/store/file.ts";
import { listAll, type Store } from "../../functions/store/store.ts";
import type { Viewer } from "../../shared/concept.ts";
import { goldenConcept, goldenRows } from "./golden-concept.ts";

export const day = 24 * 3_600_000;
export const server = "500";
export const viewer = (id: string, more: Partial<Viewer> = {}): Viewer => ({
  user: { id, name: `${id}.name` },
  server,
  moderator: false,
  ...more,
});
export const ann = viewer("ann");
export const bob = viewer("bob");
/** Of another server. */
export const eve = viewer("eve", { server: "666" });
export const moderator = viewer("mod", { moderator: true });

export const refusal = (code: string, words = "") =>
  expect.objectContaining({ name: "UserError", code, message: expect.stringContaining(words) });

/** A library on a file store of its own, empty before each test of the file that asks for one. Its clock goes as tests move `now`. */
export async function emptyLibrary() {
  const top = await mkdtemp(join(tmpdir(), "library-"));
  afterAll(() => rm(top, { recursive: true, force: true }));
  let ids = 0;
  const world = {
    store: {} as Store,
    library: {} as ConceptLibrary,
    now: 0,
    conceptOf(owner: Viewer, name = "mycat", rows = goldenRows): Concept {
      ids += 1;
      const [tokens = 0] = rows.shape;
      const created = new Date(world.now + ids).toISOString();
      return { meta: { ...goldenConcept.meta, id: `c${ids}`, name, owner: owner.user, tokens, created }, rows };
    },
    save: (owner: Viewer, name?: string) => world.library.save(world.conceptOf(owner, name)),
    names: async (who: Viewer | undefined, options = {}) =>
      (await world.library.list(who, options)).map(({ name, owner }) => `${owner.id}/${name}`),
    keys: async () => (await Array.fromAsync(listAll(world.store, ""))).map(({ key }) => key),
  };
  beforeEach(async () => {
    world.store = await openFileStore(await mkdtemp(join(top, "s-")));
    world.now = Date.parse("2026-08-01T00:00:00Z");
    world.library = createLibrary(world.store, () => world.now);
  });
  return world;
}

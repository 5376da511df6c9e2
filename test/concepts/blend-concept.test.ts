import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeEach, expect, test } from "vitest";
import { blendConcept } from "../../functions/concepts/blend-concept.ts";
import { expandBlends } from "../../functions/concepts/expand-blends.ts";
import { type ConceptLibrary, createLibrary } from "../../functions/concepts/library.ts";
import { openStore } from "../../functions/store/open.ts";
import { type BlendParent, BlendParents, type Viewer } from "../../shared/concept.ts";
import { depthOf, familyTree, leavesOf } from "../../shared/family-tree.ts";
import { parsePrompt } from "../../shared/prompt.ts";

const folders: string[] = [];
let library: ConceptLibrary;
const person = (name: string): Viewer => ({ user: { id: name, name }, moderator: false });
const ann = person("ann");

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "eponym-"));
  folders.push(folder);
  library = createLibrary(await openStore(`file:${folder}`));
  for (const name of ["mycat", "wyvern"]) await teach(name);
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const teach = (name: string, viewer = ann) =>
  library.save({
    meta: {
      ...{ id: `c-${name}`, version: 1, name, owner: viewer.user, scope: "private", scopeId: viewer.user.id },
      ...{ initialiser: { kind: "caption", text: "cat" }, baseModel: { id: "tiny", hash: "0" }, tokens: 1, width: 2 },
      ...{ templates: "", steps: 1, seed: 0, loss: [], licence: "", versions: [], created: new Date(0).toISOString() },
    },
    rows: { dtype: "f32", shape: [1, 2], data: new Float32Array([1, 2]) },
  });

const blend = (name: string, text: string, viewer = ann) =>
  blendConcept(library, {
    ...{ id: `b-${name}`, name, blend: text, viewer, created: new Date(0).toISOString() },
    model: { baseModel: { id: "tiny", hash: "0" }, width: 2, isWord: (words) => words.endsWith("dragon") },
  });

const written = (prompt: string) => expandBlends(parsePrompt(prompt), (named) => library.resolve(named, ann));

test("a saved blend keeps its parents by version and share, and its passport draws the tree", async () => {
  await blend("chimera", "<mycat*0.6+red dragon*0.2>");
  const beast = await blend("beast", "chimera*1.5+ann/wyvern*0.5");
  expect(await library.get("b-beast", ann)).toEqual(beast);
  expect(familyTree(beast.blend ?? [])).toEqual([
    "├─ 75 % <chimera> v1 by ann",
    "│  ├─ 75 % <mycat> v1 by ann",
    "│  └─ 25 % “red dragon”",
    "└─ 25 % <wyvern> v1 by ann",
  ]);
});

test("a prompt with a saved blend is read as a blend of what it comes down to, in the versions of then", async () => {
  await blend("chimera", "mycat*0.6+dragon*0.2");
  const pin = { id: "c-mycat", version: 1, blend: "chimera" };
  const [first, second] = await written("<chimera> and <wyvern>");
  expect(first).toEqual({
    blend: [
      { name: "mycat", pin, weight: expect.closeTo(0.75) },
      { words: "dragon", weight: expect.closeTo(0.25) },
    ],
  });
  expect(second).toEqual({ text: " and " });
  const [inner] = await written("<chimera*0.8+wyvern*0.2>");
  expect(inner).toEqual({
    blend: [
      { name: "mycat", pin, weight: expect.closeTo(0.6) },
      { words: "dragon", weight: expect.closeTo(0.2) },
      { name: "wyvern", weight: 0.2 },
    ],
  });
});

test("a blend has no rows of its own to load or to teach anew, and says what it is made of", async () => {
  await blend("chimera", "mycat+wyvern");
  await expect(library.load("b-chimera", ann)).rejects.toMatchObject({
    code: "bad_concept",
    message: expect.stringContaining("├─ 50 % <mycat> v1 by ann"),
  });
  const { meta, rows } = await library.load("c-mycat", ann);
  await expect(library.relearn("b-chimera", ann, { meta, rows })).rejects.toMatchObject({ code: "bad_request" });
});

test("a concept with rows is never a blend, whatever a file says of itself", async () => {
  const { meta, rows } = await library.load("c-mycat", ann);
  const tree = [
    { share: 1, words: "a" },
    { share: 1, words: "b" },
  ];
  const saved = await library.save({ meta: { ...meta, id: "hostile", name: "hostile", blend: tree }, rows });
  expect(saved.blend).toBeUndefined();
  expect((await library.load("hostile", ann)).rows.shape).toEqual([1, 2]);
});

test.each([
  ["mycat", "2 to 4 parts"],
  ["mycat*0.6+nothing*0.4", "<nothing>"],
  ["mycat+two nothings", "neither a concept nor known words"],
  ["mycat+wyvern> and <mycat", "expected a blend"],
])("%j is refused: %s", async (text, reason) => {
  await expect(blend("chimera", text)).rejects.toThrow(reason);
});

test("somebody else's private word is no parent, a shared one is", async () => {
  await expect(blend("stolen", "ann/mycat+dragon", person("ben"))).rejects.toMatchObject({ code: "not_found" });
  await library.share("c-mycat", ann, "public");
  expect((await blend("lent", "mycat+dragon", person("ben"))).blend?.[0]).toMatchObject({ owner: "ann" });
});

test("a blend is shared only where each concept that it ends in is shared too, and the refusal names those that are not", async () => {
  const here: Viewer = { ...ann, server: "s1" };
  await blend("chimera", "mycat*0.6+dragon*0.4");
  await blend("beast", "chimera+wyvern+mycat");
  const share = (scope: "server" | "public", viewer = here) => library.share("b-beast", viewer, scope);
  await expect(share("server")).rejects.toThrow(
    "<beast> is blended from words that are not shared with this server, or are gone: <mycat> by ann, <wyvern> by ann. Share them first",
  );
  await library.share("c-mycat", here, "server");
  await expect(share("server")).rejects.toThrow("gone: <wyvern> by ann.");
  expect(await library.get("b-beast", here)).toMatchObject({ scope: "private" });
  await library.share("c-wyvern", here, "public");
  expect((await share("server")).meta).toMatchObject({ scope: "server", scopeId: "s1" });
  await expect(share("public")).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("not public, or are gone: <mycat> by ann. Make them public first"),
  });
  await expect(share("server", { ...ann, server: "s2" })).rejects.toMatchObject({ code: "conflict" });
  await library.delete("c-wyvern", ann);
  await expect(share("server")).rejects.toThrow("<wyvern> by ann");
  expect((await library.share("b-beast", here, "private")).meta).toMatchObject({ scope: "private" });
});

test("three generations are enough", async () => {
  await blend("one", "mycat+dragon");
  await blend("two", "one+dragon");
  expect(depthOf((await blend("three", "two+dragon")).blend ?? [])).toBe(3);
  await expect(blend("four", "three+dragon")).rejects.toThrow("at most 3 generations");
});

const parent = (depth: number): fc.Arbitrary<BlendParent> => {
  const share = fc.integer({ min: 1, max: 150 }).map((n) => n / 100);
  const words = fc.record({ share, words: fc.constant("dragon") });
  const concept = fc.record({ share, id: fc.constant("c"), version: fc.constant(1), ...names });
  return depth > 1
    ? fc.oneof(
        words,
        concept,
        fc.record({ ...{ share, id: fc.constant("b"), version: fc.constant(1) }, ...names, parents: tree(depth - 1) }),
      )
    : fc.oneof(words, concept);
};
const names = { name: fc.constant("mycat"), owner: fc.constant("ann") };
const tree = (depth: number): fc.Arbitrary<BlendParent[]> => fc.array(parent(depth), { minLength: 2, maxLength: 4 });

test("the shares of any tree's ends sum to one, and a tree that is too deep is no passport", () => {
  fc.assert(
    fc.property(tree(5), (parents) => {
      const sum = leavesOf(parents).reduce((total, { share }) => total + share, 0);
      expect(sum).toBeCloseTo(1, 9);
      expect(BlendParents.safeParse(parents).success).toBe(depthOf(parents) <= 3);
    }),
  );
});

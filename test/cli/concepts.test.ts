import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { conceptsCommand } from "../../functions/cli/concepts.ts";
import { say } from "../../functions/cli/outputs.ts";
import type { Session } from "../../functions/cli/session.ts";
import { type ConceptLibrary, createLibrary } from "../../functions/concepts/library.ts";
import { openFileStore } from "../../functions/store/file.ts";
import type { Store } from "../../functions/store/store.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import type { ConceptMeta } from "../../shared/concept.ts";
import type { JobInput } from "../../shared/job.ts";
import { goldenConcept, goldenPicture, goldenRows } from "../support/golden-concept.ts";

vi.hoisted(() => vi.stubEnv("NO_COLOR", "1"));
const top = await mkdtemp(join(tmpdir(), "eponym-concepts-"));
afterAll(() => rm(top, { recursive: true, force: true }));
const stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
/** What was written to a stream since last asked, in one piece. */
function written(stream: typeof stdout): string {
  const text = stream.mock.calls.map(([chunk]) => String(chunk)).join("");
  stream.mockClear();
  return text;
}

const viewer = { user: { id: "me", name: "me" }, moderator: false };
const picture = "pictures/golden.png";
let folder: string;
let store: Store;
let library: ConceptLibrary;
let jobs: JobInput[];
beforeEach(async () => {
  folder = await mkdtemp(join(top, "one-"));
  store = await openFileStore(join(folder, "store"));
  library = createLibrary(store);
  jobs = [];
  await store.put(picture, await encodePng(goldenPicture));
});

let ids = 0;
const save = (more: Partial<ConceptMeta> = {}) => {
  ids += 1;
  const { mask: _, ...meta } = goldenConcept.meta;
  const mine = { ...meta, id: `c${ids}`, name: "mycat", owner: viewer.user, preview: picture, source: picture };
  return library.save({ meta: { ...mine, ...more }, rows: goldenRows });
};

/** `npm run concepts -- …`, except that jobs are kept instead of run. */
async function concepts(...args: string[]): Promise<void> {
  const session = {
    ...{ store, viewer, bench: { library } },
    run: async (input: JobInput) => {
      jobs.push(input);
      const concept = await library.resolve({ name: "mycat" }, viewer);
      return { task: "learn", concept, pictures: [], notes: [] };
    },
  } as unknown as Session;
  const command = conceptsCommand(async (action) => {
    await action(session, new AbortController().signal);
  });
  await command.parseAsync(args, { from: "user" });
}

test("a card and the sheet of pictures that is called after the word do not share a file", async () => {
  await save();
  await concepts("export", "mycat", "--format", "card", "--out", join(folder, "out"));
  expect(await readdir(join(folder, "out"))).toEqual(["mycat-card.png"]);
});

test("what a word's file says of itself brings no escape sequences to the terminal", async () => {
  const meant = {
    initialiser: { kind: "caption", text: "cat\u001b]0;title\u0007\u001b[31m" },
    baseModel: { id: "m\u009b2Jx", hash: "0" },
    ...{ caption: "x\u001b[2Jy", licence: "\u202eevil" },
  } as const;
  await save(meant);
  written(stderr);
  await concepts("list");
  expect(written(stderr)).toMatch(
    /^<mycat> v1 · “cat\\u001b\]0;title\\u0007\\u001b\[31m” · .* · m\\u009b2Jx · \d{4}-\d\d-\d\d\n$/,
  );
  await concepts("show", "mycat");
  const shown = written(stderr);
  expect(shown).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  for (const part of ["caption       x\\u001b[2Jy", "licence       \\u202eevil", "m\\u009b2Jx"])
    expect(shown).toContain(part);
  written(stdout);
  await concepts("show", "mycat", "--json");
  const json = written(stdout);
  expect(json).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  expect(JSON.parse(json)).toMatchObject(meant);
});

test("our own colours stay", () => {
  written(stderr);
  say("a ", [(text) => `\u001b[1m${text}\u001b[22m`, "b\u001b[2J"]);
  expect(written(stderr)).toBe("a \u001b[1mb\\u001b[2J\u001b[22m\n");
});

test("a word is relearned in the mode and with the settings that it was learned in, unless others are asked for", async () => {
  await save({ mode: "paper", improvements: { flip: true }, batch: 2, learningRate: 0.04, steps: 30 });
  await concepts("relearn", "mycat", "--out", folder);
  await concepts("relearn", "mycat", "--mode", "product", "--out", folder);
  expect(jobs).toMatchObject([
    { mode: "paper", improvements: { flip: true }, batch: 2, learningRate: 0.04, steps: 30 },
    { mode: "product", batch: 2, learningRate: undefined, steps: 30 },
  ]);
});

test("a deleted word comes back by its name, the one that went last first, and by its id", async () => {
  const first = await save();
  await concepts("delete", "mycat");
  await new Promise((resolve) => setTimeout(resolve, 5));
  const second = await save();
  await concepts("delete", "mycat");
  await concepts("delete", "--restore", "<MyCat>");
  expect((await library.resolve({ name: "mycat" }, viewer)).id).toBe(second.id);
  await concepts("delete", "--restore", first.id);
  expect((await library.resolve({ name: "mycat-2" }, viewer)).id).toBe(first.id);
  await expect(concepts("delete", "--restore", "mycat")).rejects.toMatchObject({
    code: "bad_request",
    message: "<mycat> is not deleted: there is nothing to restore.",
  });
  await expect(concepts("delete", "--restore", "../x")).rejects.toMatchObject({ code: "not_found" });
});

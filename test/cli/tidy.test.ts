import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSession, type Session } from "../../functions/cli/session.ts";
import { listAll } from "../../functions/store/store.ts";
import { goldenConcept } from "../support/golden-concept.ts";

const teddy = join(import.meta.dirname, "../pictures/held-out/teddy.png");

const dayMs = 86_400_000;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "eponym-session-"));
  vi.stubEnv("CONCEPTS", folder);
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

/** What one command does with its session, `days` from now. */
async function command<T>(days: number, action: (session: Session) => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"], now: vi.getRealSystemTime() + days * dayMs });
  const session = await openSession();
  try {
    return await action(session);
  } finally {
    await session.close();
  }
}

const keysIn = ({ store }: Session) => Array.fromAsync(listAll(store, ""), ({ key }) => key);

test("a deleted word is destroyed by the first command after its undo time, and one that is damaged stops no command", async () => {
  await command(0, async ({ bench, store, viewer }) => {
    for (const id of ["c1", "c2"]) {
      await bench.library.save({ ...goldenConcept, meta: { ...goldenConcept.meta, id, owner: viewer.user } });
      await bench.library.delete(id, viewer);
    }
    await store.put("concepts/c1/meta.json", new Uint8Array(1));
  });
  const left = (days: number) => command(days, async (s) => (await keysIn(s)).filter((key) => key.includes("c2")));
  expect(await left(6)).toContain("concepts/c2/1.safetensors");
  expect(await left(8)).toEqual([]);
});

test("pictures and files of a command go after a week", async () => {
  await command(0, async (session) => {
    const { key } = await session.addPicture(await readFile(teddy));
    const { viewer } = session;
    const input = { task: "describe", picture: key, level: "object", viewer } as const;
    await session.run(input, () => undefined, new AbortController().signal);
  });
  const made = await command(6, keysIn);
  expect(made.filter((key) => key.startsWith("pictures/"))).toHaveLength(1);
  expect(made.filter((key) => key.startsWith("jobs/")).length).toBeGreaterThan(1);
  expect(await command(8.1, keysIn)).toEqual([]);
});

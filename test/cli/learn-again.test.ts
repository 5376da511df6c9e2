import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { openSession, type Session } from "../../functions/cli/session.ts";
import { encodePng } from "../../functions/tensor/encode-picture.ts";
import { LearnInput, type LearnOutput, type TaskEvent } from "../../shared/job.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const top = await mkdtemp(join(tmpdir(), "eponym-again-"));
afterAll(() => rm(top, { recursive: true, force: true }));
beforeEach(async () => {
  vi.unstubAllEnvs();
  const settings = {
    CONCEPTS: await mkdtemp(join(top, "concepts-")),
    MODEL: tinySdFolder,
    THREADS: "1",
    PRESET: "lean",
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
});

/** What one command does with its session. */
async function command<T>(action: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession();
  try {
    return await action(session);
  } finally {
    await session.close();
  }
}

const pixels = Uint8Array.from({ length: 24 * 24 * 3 }, (_, i) => (i * 31) % 256);
const upload = await encodePng({ width: 24, height: 24, data: pixels });

/** `npm run learn` of one picture, always with the same flags; stops before the step `stopAt`. */
const learn = ({ stopAt = Number.POSITIVE_INFINITY, steps = 2 } = {}) =>
  command(async (session): Promise<LearnOutput & { readonly firstStep: number | undefined }> => {
    const { key: picture } = await session.addPicture(upload);
    const owner = session.viewer.user;
    const words = { caption: "a red mug", name: "mycat", scenes: ["{} in space"] };
    const input = LearnInput.parse({
      task: "learn",
      picture,
      ...words,
      owner,
      steps,
      batch: 1,
      seed: 0,
      previews: [0],
    });
    const controller = new AbortController();
    const taken: number[] = [];
    const watch = (event: TaskEvent): void => {
      if (event.type !== "progress" || event.stage !== "learn") return;
      taken.push(event.step);
      if (event.step === stopAt) controller.abort(new Error("stopped"));
    };
    return { ...(await session.run(input, watch, controller.signal)), firstStep: taken[0] };
  });

const list = () => command(({ bench, viewer }) => bench.library.list(viewer));

test("a word that was deleted is learned again by the same command", async () => {
  const { concept } = await learn();
  await command(({ bench, viewer }) => bench.library.delete(concept.id, viewer));
  expect(await list()).toEqual([]);
  const again = await learn();
  expect(again.concept).toMatchObject({ name: "mycat", baseModel: { hash: concept.baseModel.hash } });
  expect((await list()).map(({ id }) => id)).toEqual([again.concept.id]);
  await command(({ bench, viewer }) => bench.library.restore(concept.id, viewer));
  expect((await list()).map(({ name }) => name)).toEqual(["mycat", "mycat-2"]);
}, 180_000);

test("the same picture, click and name make a word of its own on another model", async () => {
  const first = (await learn()).concept;
  const other = join(top, "other-model");
  await cp(tinySdFolder, other, { recursive: true });
  const path = join(other, "scheduler", "scheduler_config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...config, beta_end: 0.011 }));
  vi.stubEnv("MODEL", other);
  const { concept, notes } = await learn();
  const { hash } = await command(({ bench }) => bench.model());
  expect(concept).toMatchObject({ name: "mycat-2", baseModel: { id: "other-model", hash } });
  expect(notes.join()).toMatch(/already have <mycat>/);
  expect(hash).not.toBe(first.baseModel.hash);
  expect(await list()).toMatchObject([first, concept]);
}, 180_000);

test("an interrupted command goes on from its checkpoint, also when it is not the first of its kind", async () => {
  const whole = (await learn({ steps: 12 })).concept;
  await expect(learn({ steps: 12, stopAt: 11 })).rejects.toThrow("stopped");
  const resumed = await learn({ steps: 12 });
  expect(resumed.firstStep).toBe(10);
  expect(resumed.concept.name).toBe("mycat-2");
  const rows = await command(({ bench, viewer }) =>
    Promise.all([whole, resumed.concept].map(async ({ id }) => (await bench.library.load(id, viewer)).rows.data)),
  );
  expect(rows[1]).toEqual(rows[0]);
}, 180_000);

import { expect, test } from "vitest";
import { createDispatcher } from "../../functions/jobs/dispatcher.ts";
import { createLocalEngine } from "../../functions/jobs/engines/local.ts";
import type { Store } from "../../functions/store/store.ts";
import { createFaultyStore, createMemoryStore } from "./memory-store.ts";
import { countingTask, createMemoryLog, imagineRequest, workerDeps } from "./sample-jobs.ts";

function setUp(store: Store = createMemoryStore()) {
  const log = createMemoryLog();
  const worker = workerDeps(store, countingTask(1).runTask, { log });
  const engine = createLocalEngine(worker);
  let tidied = 0;
  const dispatcher = createDispatcher({
    ...worker,
    engine,
    tidy: async () => {
      tidied++;
    },
  });
  /** A round, and whatever it started. */
  const round = async () => {
    await dispatcher.round();
    await engine.idle();
  };
  return { ...worker, log, dispatcher, round, tidied: () => tidied };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ["state of another version", "jobs/b/state.json", '{"status":"starting","priority":1}'],
  ["state", "jobs/b/state.json", "{"],
  ["marker", "open/b", '{"nonsense":1}'],
])("a job whose %s cannot be read is told once and left out, and the others' go on", async (_, key, text) => {
  const { store, ledger, dispatcher, round, log, tidied } = setUp();
  for (const id of ["a", "b"]) await ledger.submit(imagineRequest(id));
  await store.put(key, bytes(text));
  expect([...(await dispatcher.queue()).keys()]).toEqual(["a"]);
  for (let i = 0; i < 3; i++) await round();
  expect(await ledger.state("a")).toMatchObject({ status: "succeeded" });
  expect((await ledger.open()).length).toBe(key === "open/b" ? 0 : 1);
  const errors = log.lines.filter(({ level }) => level === "error");
  expect(errors).toEqual([{ level: "error", message: "a damaged job is left out", fields: expect.anything() }]);
  expect(errors[0]?.fields).toMatchObject({ job: "b" });
  expect(tidied()).toBe(1);
});

test("a job that is damaged after it was seen in the queue is left out too", async () => {
  const { store, ledger, round } = setUp();
  for (const id of ["a", "b", "c"]) await ledger.submit(imagineRequest(id, { createdAt: Date.now() - 10 }));
  await round();
  await store.put("jobs/c/state.json", bytes("{"));
  for (let i = 0; i < 2; i++) await round();
  expect(await ledger.state("b")).toMatchObject({ status: "succeeded" });
});

test("what has expired goes also where a round fails", async () => {
  const store = createFaultyStore(createMemoryStore(), [{ method: "list", key: /^open/, times: 1 }]);
  const { round, tidied } = setUp(store);
  await expect(round()).rejects.toMatchObject({ code: "unavailable" });
  expect(tidied()).toBe(1);
});

test("what a dispatcher of another version remembered does not stop this one", async () => {
  const { store, ledger, round } = setUp();
  await ledger.submit(imagineRequest("a"));
  const leader = { holder: "other", until: 1, served: 7, typicalMs: { upscale: 5 }, since: 1 };
  await store.put("dispatch/leader.json", bytes(JSON.stringify(leader)));
  await round();
  expect(await ledger.state("a")).toMatchObject({ status: "succeeded" });
});

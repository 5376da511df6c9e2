import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../functions/http/listen.ts";
import type { AppEnv } from "../../functions/http/mount.ts";
import { createDispatcher } from "../../functions/jobs/dispatcher.ts";
import { createHttpEngine } from "../../functions/jobs/engines/http.ts";
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

/** Jobs a, b and c before a GPU function that has room for five and answers `a` in its own way; afterwards each job's state. */
async function handOutTo(answerToA: () => Response) {
  const app = new Hono<AppEnv>();
  const asked: string[] = [];
  app.put("/predictions/:id", ({ req }) => {
    asked.push(req.param("id"));
    return req.param("id") === "a" ? answerToA() : Response.json({}, { status: 202 });
  });
  const listener = await listen(app, 0);
  onTestFinished(() => listener.close(100));
  const worker = workerDeps(createMemoryStore(), countingTask(1).runTask);
  const url = `http://127.0.0.1:${listener.port}`;
  const engine = createHttpEngine({ url, clock: worker.clock, log: worker.log, capacity: 5 });
  for (const [i, id] of ["a", "b", "c"].entries()) {
    await worker.ledger.submit(imagineRequest(id, { createdAt: Date.now() - 10 + i }));
  }
  const dispatcher = createDispatcher({ ...worker, engine });
  for (let i = 0; i < 2; i++) await dispatcher.round();
  const [a, b, c] = await Promise.all(["a", "b", "c"].map((id) => worker.ledger.state(id)));
  return { asked, a, b, c };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ["state of another version", "jobs/b/state.json", '{"status":"starting","priority":1}'],
  ["state", "jobs/b/state.json", "{"],
])("a job whose %s cannot be read is told once and left out, and the others' go on", async (_, key, text) => {
  const { store, ledger, dispatcher, round, log, tidied } = setUp();
  for (const id of ["a", "b"]) await ledger.submit(imagineRequest(id));
  await store.put(key, bytes(text));
  expect([...(await dispatcher.queue()).keys()]).toEqual(["a"]);
  for (let i = 0; i < 3; i++) await round();
  expect(await ledger.state("a")).toMatchObject({ status: "succeeded" });
  expect((await ledger.open()).length).toBe(1);
  const errors = log.lines.filter(({ level }) => level === "error");
  expect(errors).toEqual([{ level: "error", message: "a damaged job is left out", fields: expect.anything() }]);
  expect(errors[0]?.fields).toMatchObject({ job: "b" });
  expect(tidied()).toBe(1);
});

test.each(["open/b", "jobs/b/request.json"])("a job whose %s is damaged is told, mended and done", async (key) => {
  const { store, ledger, round, log } = setUp();
  const request = imagineRequest("b");
  await ledger.submit(request);
  await store.put(key, bytes('{"nonsense":1}'));
  await round();
  expect(await ledger.read("b")).toMatchObject({ request, state: { status: "succeeded" } });
  expect(await ledger.open()).toEqual([]);
  const message = "a damaged request is written anew from its copy";
  expect(log.lines).toEqual([{ level: "warn", message, fields: expect.objectContaining({ job: "b" }) }]);
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

test.each([
  ["of our own", () => Response.json({ error: { code: "bad_request", message: "no such task" } }, { status: 400 })],
  ["of a proxy", () => new Response("<h1>no such task</h1>", { status: 413 })],
])("a job that the GPU function refuses in words %s ends with them, and those behind it go", async (_, answer) => {
  const { asked, a, b, c } = await handOutTo(answer);
  expect(asked).toEqual(["a", "b", "c"]);
  expect(a).toMatchObject({ status: "failed", error: expect.stringContaining("no such task") });
  for (const other of [b, c])
    expect(other).toMatchObject({ status: "starting", dispatchedUntil: expect.toSatisfy(Boolean) });
});

test("a job over which the GPU function breaks is left for later, and those behind it go", async () => {
  const { asked, a, b, c } = await handOutTo(() => new Response("broken", { status: 500 }));
  expect(asked).toEqual(["a", "b", "c"]);
  expect(a).toMatchObject({ status: "starting", dispatchedUntil: 0 });
  expect(a?.notBefore).toBeGreaterThan(Date.now() + 10_000);
  for (const other of [b, c])
    expect(other).toMatchObject({ status: "starting", dispatchedUntil: expect.toSatisfy(Boolean) });
});

test.each([401, 404, 429, 503])("an answer of %i is about no job: all wait", async (status) => {
  const { asked, ...states } = await handOutTo(() => new Response("not now", { status }));
  expect(asked).toEqual(["a", "a"]);
  for (const state of Object.values(states)) expect(state).toMatchObject({ status: "starting", dispatchedUntil: 0 });
});

test("what a dispatcher of another version remembered does not stop this one", async () => {
  const { store, ledger, round } = setUp();
  await ledger.submit(imagineRequest("a"));
  const leader = { holder: "other", until: 1, served: 7, typicalMs: { upscale: 5 }, since: 1 };
  await store.put("dispatch/leader.json", bytes(JSON.stringify(leader)));
  await round();
  expect(await ledger.state("a")).toMatchObject({ status: "succeeded" });
});

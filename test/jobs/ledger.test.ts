import { expect, test } from "vitest";
import { createLedger } from "../../functions/jobs/ledger.ts";
import { limits } from "../../shared/limits.ts";
import { createFaultyStore, createMemoryStore } from "./memory-store.ts";
import { createMemoryLog, imagineRequest, pictureOutput } from "./sample-jobs.ts";

const succeeded = { status: "succeeded", output: pictureOutput("jobs/a/files/x.png") } as const;

function createTurnedClock(start = 1_000_000) {
  let time = start;
  return {
    now: () => time,
    sleep: () => Promise.resolve(),
    advance: (ms: number) => {
      time += ms;
    },
  };
}

function setUp() {
  const clock = createTurnedClock();
  const store = createMemoryStore(clock.now);
  const log = createMemoryLog();
  return { clock, store, log, ledger: createLedger(store, clock, log) };
}

test("twenty submissions of one id are one job, and all get it", async () => {
  const { ledger } = setUp();
  const request = imagineRequest("a");
  const records = await Promise.all(Array.from({ length: 20 }, () => ledger.submit(request)));
  expect(new Set(records.map((r) => JSON.stringify(r))).size).toBe(1);
  expect(await ledger.open()).toHaveLength(1);
});

test("an id that stands for another request or another person is a conflict", async () => {
  const { ledger } = setUp();
  await ledger.submit(imagineRequest("a"));
  const others = [imagineRequest("a", { prompt: "a dog" }), imagineRequest("a", { userId: "12" })];
  for (const other of others) await expect(ledger.submit(other)).rejects.toMatchObject({ code: "conflict" });
});

test("of twenty workers that claim one job, one gets it", async () => {
  const { ledger } = setUp();
  await ledger.submit(imagineRequest("a"));
  const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => ledger.claim("a", `claim-${i}`)));
  expect(claims.filter((job) => job !== undefined)).toHaveLength(1);
});

test("an expired lease is taken over, and the late worker can neither renew nor finish", async () => {
  const { ledger, clock } = setUp();
  await ledger.submit(imagineRequest("a"));
  await ledger.claim("a", "first");
  clock.advance(limits.jobLeaseMs - 1);
  expect(await ledger.claim("a", "second")).toBeUndefined();
  clock.advance(2);
  expect((await ledger.claim("a", "second"))?.state.attempt).toBe(2);
  expect(await ledger.renew("a", "first")).toMatchObject({ held: false });
  expect(await ledger.finish("a", "first", succeeded)).toBe(false);
  expect(await ledger.finish("a", "second", succeeded)).toBe(true);
});

test("a finished job stays as it ended, whatever comes later", async () => {
  const { ledger, store } = setUp();
  await ledger.submit(imagineRequest("a"));
  await ledger.claim("a", "c");
  await ledger.finish("a", "c", succeeded);
  expect(await ledger.finish("a", "c", { status: "failed", error: "late" })).toBe(true);
  await ledger.cancel("a");
  await ledger.release("a", "c", { error: "late", delayMs: 0 });
  expect(await ledger.claim("a", "d")).toBeUndefined();
  expect((await ledger.submit(imagineRequest("a"))).state).toMatchObject({ status: "succeeded", error: null });
  expect(store.keys().filter((key) => key.startsWith("open/"))).toEqual([]);
});

test("three lost attempts end the job with the reason", async () => {
  const { ledger, clock } = setUp();
  await ledger.submit(imagineRequest("a"));
  for (let i = 0; i < limits.maxJobAttempts; i++) {
    expect(await ledger.claim("a", `c${i}`)).toBeDefined();
    clock.advance(limits.jobLeaseMs + 1);
  }
  expect(await ledger.claim("a", "c4")).toBeUndefined();
  expect(await ledger.state("a")).toMatchObject({ status: "failed", error: expect.stringContaining("3 times") });
});

test("a stop for maintenance does not count as an attempt, a failure does and waits before the next", async () => {
  const { ledger, clock } = setUp();
  await ledger.submit(imagineRequest("a"));
  await ledger.claim("a", "c1");
  await ledger.release("a", "c1");
  expect(await ledger.state("a")).toMatchObject({ status: "starting", attempt: 0 });
  await ledger.claim("a", "c2");
  await ledger.release("a", "c2", { error: "no memory", delayMs: 4_000 });
  expect(await ledger.state("a")).toMatchObject({ status: "starting", attempt: 1, error: "no memory" });
  expect(await ledger.reserve("a", 1_000)).toBe(false);
  clock.advance(4_000);
  expect(await ledger.reserve("a", 1_000)).toBe(true);
  expect(await ledger.reserve("a", 1_000)).toBe(false);
});

test("cancel ends a waiting job at once, asks a running one, and ends one whose worker died", async () => {
  const { ledger, clock } = setUp();
  const waiting = imagineRequest("a", { createdAt: clock.now() });
  await ledger.submit(waiting);
  expect(await ledger.cancel("a")).toMatchObject({ status: "canceled" });
  expect(await ledger.claim("a", "c")).toBeUndefined();

  const running = imagineRequest("b", { createdAt: clock.now() });
  await ledger.submit(running);
  await ledger.claim("b", "c");
  expect(await ledger.cancel("b")).toMatchObject({ status: "processing", cancelRequested: true });
  expect(await ledger.renew("b", "c")).toEqual({ held: true, cancelRequested: true });
  clock.advance(limits.jobLeaseMs + 1);
  expect(await ledger.settle(running)).toMatchObject({ status: "canceled" });
  expect(await ledger.open()).toEqual([]);
});

test("a refusal ends a waiting job with its reason, and never one that runs or has ended", async () => {
  const { ledger } = setUp();
  for (const id of ["a", "b"]) await ledger.submit(imagineRequest(id));
  await ledger.claim("b", "c");
  for (const id of ["a", "b"]) await ledger.refuse(id, "not here");
  expect(await ledger.state("a")).toMatchObject({ status: "failed", error: "not here" });
  expect(await ledger.state("b")).toMatchObject({ status: "processing" });
  await ledger.finish("b", "c", succeeded);
  await ledger.refuse("b", "late");
  expect(await ledger.state("b")).toMatchObject({ status: "succeeded", error: null });
  expect(await ledger.open()).toEqual([]);
});

test("a job that nobody could run for a day fails with that reason", async () => {
  const { ledger, clock } = setUp();
  const request = imagineRequest("a", { createdAt: clock.now() });
  await ledger.submit(request);
  clock.advance(limits.maxQueueHours * 3_600_000 + 1);
  expect(await ledger.settle(request)).toMatchObject({ status: "failed", error: expect.stringContaining("24 hours") });
});

test("a job of which nobody can read what was asked is told in the log, and ends when its day is over", async () => {
  const { store, clock, log, ledger } = setUp();
  await ledger.submit(imagineRequest("a"));
  for (const key of ["open/a", "jobs/a/request.json"]) await store.put(key, new TextEncoder().encode("{"));
  for (let i = 0; i < 2; i++) expect(await ledger.open()).toEqual([]);
  expect(log.lines).toEqual([{ level: "error", message: "a damaged job is left out", fields: expect.anything() }]);
  expect(store.keys()).toContain("open/a");
  clock.advance(limits.maxQueueHours * 3_600_000 + 1);
  await ledger.open();
  expect(store.keys()).toEqual(expect.arrayContaining(["jobs/a/request.json", "jobs/a/state.json"]));
  expect(store.keys()).not.toContain("open/a");
});

test("a job of which nobody can read how it stands takes no place in the queue when its day is over", async () => {
  const { store, clock, ledger } = setUp();
  const request = imagineRequest("a", { createdAt: clock.now() });
  await ledger.submit(request);
  await store.put("jobs/a/state.json", new TextEncoder().encode("{"));
  const damaged = "jobs/a/state.json does not hold what it should";
  await expect(ledger.settle(request)).rejects.toThrow(damaged);
  expect(await ledger.open()).toEqual([request]);
  clock.advance(limits.maxQueueHours * 3_600_000 + 1);
  await expect(ledger.settle(request)).rejects.toThrow(damaged);
  expect(await ledger.open()).toEqual([]);
  expect(store.keys()).toContain("jobs/a/state.json");
});

test("a job that ran for more than a day goes on after a stop or a crash, and has a day of waiting again", async () => {
  for (const ending of ["stop", "crash"]) {
    const { ledger, clock } = setUp();
    const request = imagineRequest("a", { createdAt: clock.now() });
    await ledger.submit(request);
    await ledger.claim("a", "c1");
    for (let halfHours = 0; halfHours < 49; halfHours++) {
      clock.advance(1_800_000);
      expect(await ledger.renew("a", "c1")).toMatchObject({ held: true });
    }
    if (ending === "stop") await ledger.release("a", "c1");
    else clock.advance(limits.jobLeaseMs + 1);
    expect((await ledger.settle(request)).status).toBe(ending === "stop" ? "starting" : "processing");
    expect(await ledger.claim("a", "c2")).toBeDefined();
    await ledger.release("a", "c2");
    clock.advance(limits.maxQueueHours * 3_600_000 + 1);
    expect(await ledger.settle(request)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("24 hours"),
    });
  }
});

test("a submission that was killed after any of its writes is begun by the dispatcher, unless it left nothing", async () => {
  const left = new Set<string>();
  for (let writes = 1; writes <= 5; writes++) {
    const clock = createTurnedClock();
    const store = createMemoryStore(clock.now);
    let allowed = writes;
    const dying = createFaultyStore(store, []);
    dying.put = (...args) => (allowed-- > 0 ? store.put(...args) : Promise.reject(new Error("killed")));
    await createLedger(dying, clock, createMemoryLog())
      .submit(imagineRequest("a", { createdAt: clock.now() }))
      .catch(() => undefined);
    const keys = store.keys().filter((key) => !key.startsWith("expire/"));
    left.add(keys.join(" "));
    const ledger = createLedger(store, clock, createMemoryLog());
    for (const request of await ledger.open()) await ledger.settle(request);
    const claimed = await ledger.claim("a", "c");
    if (keys.length === 0) expect(await ledger.read("a")).toBeUndefined();
    else expect(claimed?.request).toMatchObject({ id: "a", userId: "11", input: { prompt: "<mycat> in space" } });
  }
  expect([...left]).toEqual([
    "",
    "open/a",
    "jobs/a/request.json open/a",
    "jobs/a/request.json jobs/a/state.json open/a",
  ]);
});

test("whoever was first under an id keeps it, also where their submission was killed after its first write", async () => {
  const { ledger, store } = setUp();
  const first = imagineRequest("a");
  await store.put("open/a", new TextEncoder().encode(JSON.stringify(first)));
  await expect(ledger.submit(imagineRequest("a", { userId: "12" }))).rejects.toMatchObject({ code: "conflict" });
  expect((await ledger.submit(first)).request).toEqual(first);
  expect(await ledger.open()).toEqual([first]);
});

test("a crash after any single write of a submission is healed by the next one or by the dispatcher", async () => {
  for (const key of [/request/, /open/, /state/]) {
    for (const afterwards of [false, true]) {
      const clock = createTurnedClock();
      const store = createFaultyStore(createMemoryStore(clock.now), [{ method: "put", key, times: 1, afterwards }]);
      const ledger = createLedger(store, clock, createMemoryLog());
      const request = imagineRequest("a", { createdAt: clock.now() });
      await expect(ledger.submit(request)).rejects.toMatchObject({ code: "unavailable" });
      for (const open of await ledger.open()) expect(await ledger.settle(open)).toMatchObject({ status: "starting" });
      expect((await ledger.submit(request)).state.status).toBe("starting");
      expect(await ledger.open()).toHaveLength(1);
    }
  }
});

import { afterEach, describe, expect, test } from "vitest";
import { createGpuApp } from "../../../functions/http/create-gpu-app.ts";
import { listen } from "../../../functions/http/listen.ts";
import { createBell } from "../../../functions/jobs/bell.ts";
import { systemClock } from "../../../functions/jobs/clock.ts";
import { createDispatcher } from "../../../functions/jobs/dispatcher.ts";
import type { JobEngine } from "../../../functions/jobs/engines/engine.ts";
import { createHttpEngine } from "../../../functions/jobs/engines/http.ts";
import { createLocalEngine } from "../../../functions/jobs/engines/local.ts";
import { createLedger } from "../../../functions/jobs/ledger.ts";
import type { TaskRunner } from "../../../functions/jobs/runner.ts";
import type { Store } from "../../../functions/store/store.ts";
import { isTerminal } from "../../../shared/job.ts";
import { createFaultyStore, createMemoryStore, type Fault } from "../memory-store.ts";
import { countingTask, createMemoryLog, imagineRequest, newId, waitingTask, workerDeps } from "../sample-jobs.ts";

const secret = "a secret of at least thirty-two characters";

interface Running {
  readonly engine: JobEngine;
  /** Stops the worker as a deploy does. */
  stopWorker(): Promise<void>;
}
type Open = (options: {
  readonly store: Store;
  readonly runTask: TaskRunner;
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
}) => Promise<Running>;

/** One line for each engine: the suite below is the contract of them all. */
const engines: Readonly<Record<string, Open>> = {
  async local(options) {
    const engine = createLocalEngine(workerDeps(options.store, options.runTask, options));
    return { engine, stopWorker: () => engine.close() };
  },
  async http({ store, runTask, ...times }) {
    const worker = workerDeps(store, runTask, times);
    const inner = createLocalEngine(worker);
    const closing = new AbortController();
    const app = createGpuApp({
      ...worker,
      ...{ engine: inner, secret, closing: closing.signal, queue: async () => new Map() },
      cleanPicture: () => Promise.reject(new Error("not asked for here")),
    });
    const listener = await listen(app, 0);
    const url = `http://127.0.0.1:${listener.port}`;
    return {
      engine: createHttpEngine({ url, secret, clock: systemClock, log: createMemoryLog() }),
      async stopWorker() {
        closing.abort();
        await Promise.all([listener.close(100), inner.close()]);
      },
    };
  },
};

const opened: Running[] = [];
afterEach(async () => {
  for (const running of opened.splice(0)) await running.stopWorker();
});

describe.each(Object.entries(engines))("the %s engine", (_name, openEngine) => {
  const open: Open = async (options) => {
    const running = await openEngine(options);
    opened.push(running);
    return running;
  };
  const setUp = async (runTask: TaskRunner, times: { heartbeatMs?: number; leaseMs?: number } = {}) => {
    const store = createMemoryStore();
    const ledger = createLedger(store, systemClock, createMemoryLog(), times.leaseMs);
    const running = await open({ store, runTask, ...times });
    const submit = async (id: string, changes = {}) => (await ledger.submit(imagineRequest(id, changes))).request;
    const ended = (id: string) =>
      until(async () => {
        const state = await ledger.state(id);
        return state !== undefined && isTerminal(state.status) && state;
      });
    return { store, ledger, submit, ended, ...running };
  };

  test("runs what it is given, once, however often it is given", async () => {
    const { runTask, trace } = countingTask(10, () => new Promise((resolve) => setTimeout(resolve, 3)));
    const { engine, submit, ended } = await setUp(runTask);
    const request = await submit("a");
    expect(await Promise.all([1, 2, 3].map(() => engine.dispatch(request)))).toEqual(Array(3).fill("accepted"));
    expect(await ended("a")).toMatchObject({ status: "succeeded", attempt: 1 });
    expect(trace.finished).toBe(1);
  });

  test("says full while it is busy, loses nothing by it, and is ready again afterwards", async () => {
    const { runTask, begun, letGo } = waitingTask();
    const { engine, submit, ended, ledger } = await setUp(runTask);
    expect(await engine.health()).toBe("READY");
    await engine.dispatch(await submit("a"));
    await begun();
    const second = await submit("b");
    expect([await engine.dispatch(second), await engine.health()]).toEqual(["full", "BUSY"]);
    expect(await ledger.state("b")).toMatchObject({ status: "starting" });
    letGo();
    await ended("a");
    await until(async () => (await engine.health()) === "READY");
    expect(await engine.dispatch(second)).toBe("accepted");
    expect(await ended("b")).toMatchObject({ status: "succeeded" });
  });

  test("cancel reaches a running job without waiting for its heartbeat", async () => {
    const { runTask, begun } = waitingTask();
    const { engine, submit, ended, ledger } = await setUp(runTask, { heartbeatMs: 60_000 });
    await engine.dispatch(await submit("a"));
    await begun();
    await ledger.cancel("a");
    await engine.cancel("a");
    expect(await ended("a")).toMatchObject({ status: "canceled" });
  });

  test("a worker that is stopped gives its job back, and another goes on from the checkpoint", async () => {
    const { runTask, trace } = countingTask(40, (step) =>
      step === 25 && trace.begins.length === 1 ? new Promise((resolve) => setTimeout(resolve, 150)) : undefined,
    );
    const first = await setUp(runTask);
    const request = await first.submit("a");
    await first.engine.dispatch(request);
    await until(async () => trace.steps.length >= 25);
    await first.stopWorker();
    opened.splice(0);
    expect(await first.ledger.state("a")).toMatchObject({ status: "starting", attempt: 0 });
    const second = await open({ store: first.store, runTask });
    await second.engine.dispatch(request);
    expect(await first.ended("a")).toMatchObject({ status: "succeeded", output: { seed: 820 } });
    expect(trace.begins).toEqual([0, 20]);
  });

  test("a worker that vanishes in mid-job is noticed by its lease, and the dispatcher hands the job out again", async () => {
    const store = createMemoryStore();
    const plan: Fault[] = [];
    const lost = waitingTask();
    const leaseMs = 300;
    const dead = await open({ store: createFaultyStore(store, plan), runTask: lost.runTask, leaseMs });
    const ledger = createLedger(store, systemClock, createMemoryLog(), leaseMs);
    const request = (await ledger.submit(imagineRequest("a"))).request;
    await dead.engine.dispatch(request);
    await lost.begun();
    plan.push({ method: "put", key: /./, times: Number.POSITIVE_INFINITY });
    const { runTask, trace } = countingTask(5);
    const alive = await open({ store, runTask, leaseMs });
    const dispatcher = startDispatcher(store, alive.engine, leaseMs);
    await until(async () => (await ledger.state("a"))?.status === "succeeded");
    expect(await ledger.state("a")).toMatchObject({ attempt: 2 });
    expect(trace.finished).toBe(1);
    await dispatcher.close();
    plan.splice(0);
  });

  test("a queue of three people's jobs is served in turns and to the end", async () => {
    const served: string[] = [];
    const { runTask } = countingTask(1);
    const noting: TaskRunner = async function* (input, context) {
      served.push(context.jobId);
      yield* runTask(input, context);
    };
    const { engine, submit, ended, store } = await setUp(noting);
    for (let i = 0; i < 4; i++) await submit(`ann${i}`, { userId: "1", createdAt: Date.now() - 1_000 + i });
    await submit("bob0", { userId: "2" });
    await submit("cid0", { userId: "3", serverId: "9" });
    const dispatcher = startDispatcher(store, engine);
    for (const id of ["ann0", "ann1", "ann2", "ann3", "bob0", "cid0"]) await ended(id);
    await dispatcher.close();
    expect(new Set(served).size).toBe(served.length);
    expect(served.slice(0, 3)).toEqual(["ann0", "cid0", "bob0"]);
  });
});

test("a GPU function that is away, or refuses us, keeps the job in the queue; it is handed out once it answers", async () => {
  const store = createMemoryStore();
  const ledger = createLedger(store, systemClock, createMemoryLog());
  const { runTask } = countingTask(1);
  const request = (await ledger.submit(imagineRequest("a"))).request;
  const log = createMemoryLog();
  const away = createHttpEngine({ url: "http://127.0.0.1:9", clock: systemClock, log });
  await expect(away.dispatch(request)).rejects.toThrow();
  expect(await away.health()).toBe("UNHEALTHY");
  const asleep = createHttpEngine({ url: "http://127.0.0.1:9", clock: systemClock, log, coldStartMs: 90_000 });
  expect(await asleep.health()).toBe("STARTING");
  await away.cancel("a");

  const dispatcher = startDispatcher(store, away);
  await new Promise((resolve) => setTimeout(resolve, 80));
  expect(await ledger.state("a")).toMatchObject({ status: "starting", attempt: 0, dispatchedUntil: 0 });
  await dispatcher.close();

  const running = await (engines["http"] as Open)({ store, runTask });
  opened.push(running);
  const second = startDispatcher(store, running.engine);
  await until(async () => (await ledger.state("a"))?.status === "succeeded");
  await second.close();
});

test("a GPU function with another store ends the job with the reason, and the next jobs too", async () => {
  const store = createMemoryStore();
  const ledger = createLedger(store, systemClock, createMemoryLog());
  const { runTask, trace } = countingTask(1);
  const running = await (engines["http"] as Open)({ store: createMemoryStore(), runTask });
  opened.push(running);
  for (const id of ["a", "b"]) await ledger.submit(imagineRequest(id));
  const dispatcher = startDispatcher(store, running.engine);
  for (const id of ["a", "b"]) await until(async () => (await ledger.state(id))?.status === "failed");
  expect((await ledger.state("a"))?.error).toContain("STORE");
  expect([trace.begins, await ledger.open()]).toEqual([[], []]);
  await dispatcher.close();
});

function startDispatcher(store: Store, engine: JobEngine, leaseMs?: number) {
  const dispatcher = createDispatcher({
    ...{ store, engine, clock: systemClock, bell: createBell(), log: createMemoryLog(), newId },
    ledger: createLedger(store, systemClock, createMemoryLog(), leaseMs),
    tickMs: 20,
    idleTickMs: 20,
  });
  dispatcher.start();
  return dispatcher;
}

async function until<T>(ask: () => Promise<T | undefined | false>, timeoutMs = 4_500): Promise<T> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited in vain");
}

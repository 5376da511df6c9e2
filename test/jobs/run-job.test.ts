import { expect, test } from "vitest";
import { runJob } from "../../functions/jobs/run-job.ts";
import type { TaskRunner } from "../../functions/jobs/runner.ts";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { createFaultyStore, createMemoryStore, type Fault } from "./memory-store.ts";
import {
  countingTask,
  failingTask,
  imagineRequest,
  noSignals,
  pictureOutput,
  waitingTask,
  workerDeps,
} from "./sample-jobs.ts";

const sumTo = (n: number) => (n * (n + 1)) / 2;
const seedOf = (output: unknown) => (output as { seed: number }).seed;

test("a job runs once, from claim to output, with its curve and log in the progress", async () => {
  const { runTask, trace } = countingTask(50);
  const deps = workerDeps(createMemoryStore(), runTask);
  await deps.ledger.submit(imagineRequest("a"));
  expect(await runJob(deps, "a", noSignals)).toBe("finished");
  const job = await deps.ledger.read("a");
  expect(job?.state).toMatchObject({ status: "succeeded", attempt: 1, error: null });
  expect(seedOf(job?.state.output)).toBe(sumTo(50));
  expect(job?.progress.curve.points.map((p) => p.step)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  expect(job?.progress.log.lines).toEqual(["attempt 1 begins at 0"]);
  expect(trace.finished).toBe(1);
  expect(await runJob(deps, "a", noSignals)).toBe("not-claimed");
});

test("a stopped service gives the job back, and the next attempt goes on from the checkpoint", async () => {
  const stop = new AbortController();
  const { runTask, trace } = countingTask(40, (step) => {
    if (step === 25 && trace.begins.length === 1) stop.abort();
  });
  const deps = workerDeps(createMemoryStore(), runTask);
  await deps.ledger.submit(imagineRequest("a"));
  expect(await runJob(deps, "a", { ...noSignals, stop: stop.signal })).toBe("released");
  expect(await deps.ledger.state("a")).toMatchObject({ status: "starting", attempt: 0 });
  expect(await runJob(deps, "a", noSignals)).toBe("finished");
  const job = await deps.ledger.read("a");
  expect(seedOf(job?.state.output)).toBe(sumTo(40));
  expect(trace.begins).toEqual([0, 20]);
  expect(job?.progress.curve.points.map((p) => p.step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
});

test("an output that no record could hold fails the job, whose record can still be read", async () => {
  const runTask: TaskRunner = async function* () {
    yield { type: "output", output: { ...pictureOutput("jobs/a/files/x.png"), seed: -1 } };
  };
  const deps = workerDeps(createMemoryStore(), runTask, { retryMs: 0 });
  await deps.ledger.submit(imagineRequest("a"));
  for (const end of ["released", "released", "finished"]) expect(await runJob(deps, "a", noSignals)).toBe(end);
  expect((await deps.ledger.read("a"))?.state).toMatchObject({
    status: "failed",
    output: null,
    error: expect.stringMatching(/our side/),
  });
});

test("cancel reaches a running task within a heartbeat, without any signal from outside", async () => {
  const { runTask, begun } = waitingTask();
  const deps = workerDeps(createMemoryStore(), runTask);
  await deps.ledger.submit(imagineRequest("a"));
  const run = runJob(deps, "a", noSignals);
  await begun();
  await deps.ledger.cancel("a");
  expect(await run).toBe("finished");
  expect(await deps.ledger.state("a")).toMatchObject({ status: "canceled" });
});

test("a failure that may go away is tried again, three times at most; a person's mistake is not", async () => {
  const cases = [
    { failures: 2, error: () => new UserError("engine_failed", "no memory"), attempts: 3, status: "succeeded" },
    { failures: 9, error: () => new UserError("engine_failed", "no memory"), attempts: 3, status: "failed" },
    { failures: 9, error: () => new Error("secret detail"), attempts: 3, status: "failed" },
    { failures: 9, error: () => new UserError("bad_prompt", "no such concept"), attempts: 1, status: "failed" },
  ];
  for (const { failures, error, attempts, status } of cases) {
    const task = failingTask(failures, error);
    const deps = workerDeps(createMemoryStore(), task.runTask);
    await deps.ledger.submit(imagineRequest("a"));
    while ((await runJob(deps, "a", noSignals)) === "released");
    const state = await deps.ledger.state("a");
    expect({ attempts: task.attempts(), status: state?.status }).toEqual({ attempts, status });
    expect(state?.error ?? "").not.toContain("secret");
  }
});

test("a task that ends without output, or never stops, does not hold its slot", async () => {
  const silent: TaskRunner = async function* () {};
  const deps = workerDeps(createMemoryStore(), silent);
  await deps.ledger.submit(imagineRequest("a"));
  while ((await runJob(deps, "a", noSignals)) === "released");
  expect(await deps.ledger.state("a")).toMatchObject({ status: "failed" });

  const deaf: TaskRunner = async function* () {
    yield { type: "log", text: "hm" };
    await new Promise(() => {});
  };
  const clock = { now: Date.now, sleep: (ms: number, signal?: AbortSignal) => realSleep(ms / 100, signal) };
  const hanging = workerDeps(createMemoryStore(), deaf, { clock, heartbeatMs: 500 });
  await hanging.ledger.submit(imagineRequest("b"));
  const stop = AbortSignal.timeout(20);
  expect(await runJob(hanging, "b", { ...noSignals, stop })).toBe("released");
});

test("every store write of a run may fail once, before or after it took place, and the job still ends once", async () => {
  const keys = [/state/, /progress/, /checkpoint/, /files/, /^open/];
  let struck = 0;
  for (const key of keys) {
    for (const method of ["put", "delete"] as const) {
      for (const afterwards of [false, true]) {
        const plan: Fault[] = [];
        const store = createFaultyStore(createMemoryStore(), plan);
        const { runTask, trace } = countingTask(30, () => realSleep(1));
        const deps = workerDeps(store, runTask, { heartbeatMs: 5, leaseMs: 400 });
        await deps.ledger.submit(imagineRequest("a"));
        plan.push({ method, key, times: 1, afterwards });
        for (let i = 0; i < 100 && (await deps.ledger.state("a"))?.status !== "succeeded"; i++) {
          await runJob(deps, "a", noSignals).catch(() => undefined);
          await realSleep(10);
        }
        const state = await deps.ledger.state("a");
        expect(state, `${method} ${key}`).toMatchObject({ status: "succeeded" });
        expect(seedOf(state?.output)).toBe(sumTo(30));
        expect(trace.finished).toBeLessThanOrEqual(2);
        struck += store.struck;
      }
    }
  }
  console.log(`store faults injected into runs: ${struck}, jobs lost: 0, jobs finished twice: 0`);
  expect(struck).toBeGreaterThanOrEqual(12);
});

test("a worker that cannot reach the store for a whole lease stops, and its result does not count", async () => {
  const plan: Fault[] = [];
  const inner = createMemoryStore();
  const { runTask, begun } = waitingTask();
  const deps = workerDeps(createFaultyStore(inner, plan), runTask, { leaseMs: 120 });
  await deps.ledger.submit(imagineRequest("a"));
  const run = runJob(deps, "a", noSignals);
  await begun();
  plan.push({ method: "put", key: /./, times: Number.POSITIVE_INFINITY });
  await realSleep(150);
  const second = countingTask(10);
  const others = workerDeps(inner, second.runTask);
  while ((await runJob(others, "a", noSignals)) === "not-claimed") await realSleep(10);
  expect(await run).toBe("lost");
  expect(await others.ledger.state("a")).toMatchObject({ status: "succeeded", attempt: 2 });
});

test("progress stays within its limit however long the run and its log", async () => {
  const runTask: TaskRunner = async function* (_input, { files }) {
    for (let step = 1; step <= limits.maxLearnSteps; step++) {
      yield { type: "progress", stage: "learn", step, total: 5_000, loss: { step, loss: Math.sqrt(step) } };
      yield { type: "log", text: "x".repeat(1_000) };
    }
    yield {
      type: "output",
      output: {
        task: "imagine",
        seed: 1,
        concepts: [],
        notes: [],
        pictures: [
          { key: await files.write("a.png", new Uint8Array(1)), kind: "picture", width: 1, height: 1, alt: "" },
        ],
      },
    };
  };
  const deps = workerDeps(createMemoryStore(), runTask);
  await deps.ledger.submit(imagineRequest("a"));
  await runJob(deps, "a", noSignals);
  const stored = await deps.store.get("jobs/a/progress.json");
  expect(stored?.bytes).toBeLessThanOrEqual(limits.maxProgressBytes);
  const points = (await deps.ledger.read("a"))?.progress.curve.points ?? [];
  expect([points[0]?.step, points.at(-1)?.step]).toEqual([1, limits.maxLearnSteps]);
});

async function realSleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

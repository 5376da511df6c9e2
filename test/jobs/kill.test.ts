import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { createBell } from "../../functions/jobs/bell.ts";
import { systemClock } from "../../functions/jobs/clock.ts";
import { createDispatcher } from "../../functions/jobs/dispatcher.ts";
import { createLocalEngine } from "../../functions/jobs/engines/local.ts";
import { createLedger } from "../../functions/jobs/ledger.ts";
import { openFileStore } from "../../functions/store/file.ts";
import { isTerminal } from "../../shared/job.ts";
import { countingTask, createMemoryLog, imagineRequest, newId, workerDeps } from "./sample-jobs.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));
const leaseMs = 600;
const steps = 60;

/** Starts a worker process and kills it with SIGKILL when it is about to do `step`. */
async function killedAt(step: number, folder: string): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "worker-process.ts"), folder, "a"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    if (line === `step ${step}`) child.kill("SIGKILL");
  });
  return new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
}

/** Kills the worker of one job before `step`, lets another finish it, and says where that one began. */
async function killAndFinish(step: number): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "kill-"));
  folders.push(folder);
  const store = await openFileStore(folder);
  const ledger = createLedger(store, systemClock, createMemoryLog(), leaseMs);
  await ledger.submit(imagineRequest("a"));
  expect(await killedAt(step, folder)).toBe("SIGKILL");
  expect(await ledger.state("a")).toMatchObject({ status: "processing", attempt: 1 });

  const { runTask, trace } = countingTask(steps);
  const engine = createLocalEngine(workerDeps(store, runTask, { leaseMs }));
  const dispatcher = createDispatcher({
    ...{ store, ledger, engine, clock: systemClock, bell: createBell(), log: createMemoryLog(), newId },
    ...{ tickMs: 50, idleTickMs: 50 },
  });
  dispatcher.start();
  while (!isTerminal((await ledger.state("a"))?.status ?? "starting")) await systemClock.sleep(20);
  await dispatcher.close();
  await engine.close();

  const job = await ledger.read("a");
  expect(job?.state).toMatchObject({ status: "succeeded", attempt: 2, output: { seed: (steps * (steps + 1)) / 2 } });
  expect(job?.progress.curve.points.at(-1)?.step).toBe(steps);
  expect({ finished: trace.finished, open: await ledger.open() }).toEqual({ finished: 1, open: [] });
  return trace.begins[0];
}

test("a worker killed with kill -9 in mid-learn loses at most ten steps, and its job finishes exactly once", async () => {
  const kills = [5, 25, 59];
  const resumed = await Promise.all(kills.map(killAndFinish));
  expect(resumed).toEqual([0, 20, 50]);
  const story = kills.map((step, i) => `at ${step}, resumed at ${resumed[i]}`).join("; ");
  console.log(`kill -9 in mid-learn: ${kills.length} (${story}); jobs lost: 0, finished twice: 0`);
}, 30_000);

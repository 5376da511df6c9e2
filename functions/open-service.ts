import { randomUUID } from "node:crypto";
import { UserError } from "../shared/error.ts";
import type { Config } from "./config.ts";
import type { Describe } from "./http/app-deps.ts";
import { type Bell, createBell } from "./jobs/bell.ts";
import { systemClock } from "./jobs/clock.ts";
import { createLedger } from "./jobs/ledger.ts";
import { createJsonLog, type Log } from "./jobs/log.ts";
import type { WorkerDeps } from "./jobs/run-job.ts";
import { promptTokens } from "./models/prompt-tokens.ts";
import { openStore } from "./store/open.ts";
import { describe } from "./tasks/describe.ts";
import { openWorkbench } from "./tasks/open-workbench.ts";
import { createTaskRunner } from "./tasks/task-runner.ts";
import { stack } from "./tensor/batch.ts";
import { hostedVision } from "./vision/hosted.ts";

export interface Service {
  readonly port: number;
  /** Ends streams, gives unfinished jobs back to the queue, frees models. */
  close(): Promise<void>;
}

/** What gateway and GPU function have in common, from the settings. */
export interface Parts {
  readonly worker: WorkerDeps;
  readonly bench: ReturnType<typeof openWorkbench>;
  readonly describe: Describe;
  readonly bell: Bell;
  readonly log: Log;
}

/** Standard error: standard output is for people. */
export const serviceLog = (): Log => createJsonLog((line) => process.stderr.write(`${line}\n`), Date.now);

/** Opens store and tools; models load when first needed. @throws UserError bad_config */
export async function openParts(config: Config, log: Log = serviceLog()): Promise<Parts> {
  const store = await openStore(config.store);
  const { vision } = config;
  const bench = openWorkbench({
    ...config,
    store,
    ...(vision.kind === "huggingface" && {
      wrapVision: (local) => hostedVision({ ...vision, local, warn: log.warn }),
    }),
  });
  const clock = systemClock;
  const bell = createBell();
  const ledger = createLedger(store, clock, log);
  const runTask = createTaskRunner(bench);
  return {
    worker: { store, ledger, runTask, clock, bell, log, newId: randomUUID },
    bench,
    bell,
    log,
    async describe(input, files) {
      for await (const event of describe(bench, input, { files })) {
        if (event.type === "output" && event.output.task === "describe") return event.output;
      }
      throw new Error("describe ended without an output");
    },
  };
}

/** Opens the service's own model and reads an empty prompt with it: weights that are damaged and execution providers that do not
 * work here are told before the first job. */
export async function tryModel(bench: Pick<Parts["bench"], "model">): Promise<void> {
  const model = await bench.model();
  await model.encodeText(stack([promptTokens(model, [""]).embeddings]));
}

/** Starts a service and stops it on SIGINT or SIGTERM; a second signal does not wait. Settings that are wrong end the process
 * with the reason. */
export async function runService(start: () => Promise<Service>): Promise<void> {
  try {
    const service = await start();
    const stop = () => {
      process.once("SIGINT", () => process.exit(130));
      process.once("SIGTERM", () => process.exit(143));
      service.close().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): never {
  process.stderr.write(
    `${error instanceof UserError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
}

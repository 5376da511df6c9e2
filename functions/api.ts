import { fileURLToPath } from "node:url";
import { UserError } from "../shared/error.ts";
import { type Config, readConfig } from "./config.ts";
import { createApp } from "./http/create-app.ts";
import { listen } from "./http/listen.ts";
import { createDispatcher } from "./jobs/dispatcher.ts";
import type { JobEngine } from "./jobs/engines/engine.ts";
import { createHttpEngine } from "./jobs/engines/http.ts";
import { createLocalEngine } from "./jobs/engines/local.ts";
import { sweepExpired } from "./jobs/expiry.ts";
import { openParts, type Parts, runService, type Service, tryModel } from "./open-service.ts";
import { cleanPicture } from "./tasks/clean-picture.ts";
import { drawDraft } from "./tasks/draw-draft.ts";

/** The gateway: uploads, drafts, describe, predictions, concepts, and the queue before the engine that the settings name.
 * @throws UserError bad_config */
export async function startGateway(config: Config): Promise<Service> {
  const { signingSecret: secret } = config;
  if (secret === undefined) {
    throw new UserError(
      "bad_config",
      "SIGNING_SECRET is missing: the gateway answers nobody without it. See .env.example.",
    );
  }
  const parts = await openParts(config);
  const { worker, bench, bell, log } = parts;
  const { store, ledger, clock, newId } = worker;
  const engine = await openEngine(config, parts);
  const dispatcher = createDispatcher({
    ...{ store, ledger, engine, clock, bell, log, newId },
    tidy: async () => {
      await sweepExpired(store, clock.now());
      await bench.library.purge();
    },
  });
  const closing = new AbortController();
  const app = createApp({
    ...{ store, ledger, engine, bell, clock, log, newId, secret, cleanPicture, drawDraft },
    library: bench.library,
    describe: parts.describe,
    notesOn: bench.notesOn,
    queue: dispatcher.queue,
    closing: closing.signal,
  });
  const listener = await listen(app, config.port);
  dispatcher.start();
  log.info("gateway listens", { port: listener.port, engine: config.engine.kind, store: config.store });
  return {
    port: listener.port,
    async close() {
      closing.abort();
      await dispatcher.close();
      await Promise.all([listener.close(), engine.close()]);
      await bench.close();
    },
  };
}

async function openEngine({ engine, signingSecret }: Config, { worker, bench, log }: Parts): Promise<JobEngine> {
  if (engine.kind === "http") {
    const { url, coldStartMs } = engine;
    return createHttpEngine({
      ...{ url, coldStartMs, log, clock: worker.clock },
      ...(signingSecret !== undefined && { secret: signingSecret }),
    });
  }
  // A model that cannot be used is told at the start, not by every job.
  await tryModel(bench);
  return createLocalEngine(worker);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runService(() => startGateway(readConfig()));

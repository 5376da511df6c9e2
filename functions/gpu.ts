import { fileURLToPath } from "node:url";
import { UserError } from "../shared/error.ts";
import { type Config, readConfig } from "./config.ts";
import { createGpuApp } from "./http/create-gpu-app.ts";
import { listen } from "./http/listen.ts";
import { createLocalEngine } from "./jobs/engines/local.ts";
import { openParts, runService, type Service, tryModel } from "./open-service.ts";
import { cleanPicture } from "./tasks/clean-picture.ts";

/** The GPU function: one prediction at a time, over Cog's routes and SageMaker's. It listens at once and says that it is still
 * loading until the model is there. @throws UserError bad_config */
export async function startGpuFunction(config: Config): Promise<Service> {
  const { worker, bench, bell, log } = await openParts(config);
  const { store, ledger, clock, newId } = worker;
  const engine = createLocalEngine(worker, { ready: tryModel(bench), retries: true });
  const closing = new AbortController();
  if (config.signingSecret === undefined) log.warn("no SIGNING_SECRET: whoever reaches this port may run predictions");
  const app = createGpuApp({
    ...{ store, ledger, engine, bell, clock, log, newId, cleanPicture },
    ...(config.signingSecret !== undefined && { secret: config.signingSecret }),
    queue: async () => new Map(),
    closing: closing.signal,
  });
  const listener = await listen(app, config.port);
  log.info("GPU function listens", { port: listener.port, providers: config.providers });
  return {
    port: listener.port,
    async close() {
      closing.abort();
      await Promise.all([listener.close(), engine.close()]);
      await bench.close();
    },
  };
}

/** SageMaker starts containers with the argument `serve`; nothing else is known. */
function checkArguments(given: readonly string[]): void {
  if (given.length === 0 || (given.length === 1 && given[0] === "serve")) return;
  throw new UserError("bad_request", `Expected no argument or "serve", got "${given.join(" ")}".`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runService(async () => {
    checkArguments(process.argv.slice(2));
    return startGpuFunction(readConfig());
  });
}

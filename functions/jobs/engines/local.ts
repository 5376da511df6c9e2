import { pause } from "../clock.ts";
import { runJob, type WorkerDeps } from "../run-job.ts";
import type { EngineHealth, JobEngine } from "./engine.ts";

/** Runs jobs in this process, at most `slots` at a time; native work happens in the engine's own child process, so that its
 * crash is one failed attempt. `ready` resolves once the models can be used. */
export function createLocalEngine(
  deps: WorkerDeps,
  options: {
    readonly slots?: number;
    readonly ready?: Promise<unknown>;
    /** Repeats failed attempts here: for a service that may have no dispatcher in front of it. */
    readonly retries?: boolean;
  } = {},
): JobEngine & { /** Resolves when nothing runs any more. */ idle(): Promise<void> } {
  const capacity = options.slots ?? 1;
  const stop = new AbortController();
  const running = new Map<string, { readonly cancel: AbortController; readonly ended: Promise<void> }>();
  let setup: EngineHealth = options.ready === undefined ? "READY" : "STARTING";
  options.ready?.then(
    () => {
      setup = "READY";
    },
    (error: unknown) => {
      setup = "SETUP_FAILED";
      deps.log.error("models could not be loaded", { error });
    },
  );

  const run = async (id: string, cancel: AbortController): Promise<void> => {
    try {
      const signals = { stop: stop.signal, cancel: cancel.signal };
      while ((await runJob(deps, id, signals)) === "released" && options.retries === true) {
        const { notBefore = 0 } = (await deps.ledger.state(id)) ?? {};
        if (!(await pause(deps.clock, Math.max(0, notBefore - deps.clock.now()), stop.signal))) break;
      }
    } catch (error) {
      // Only the store can fail here; the job stays open and is handed over again when its lease has run out.
      deps.log.warn("attempt broke off", { job: id, error });
    } finally {
      running.delete(id);
      deps.bell.ring(id);
    }
  };

  return {
    capacity,
    coldStartMs: 0,
    claimWithinMs: 15_000,
    async dispatch({ id }) {
      if (running.has(id)) return "accepted";
      if (stop.signal.aborted || setup !== "READY" || running.size >= capacity) return "full";
      const cancel = new AbortController();
      running.set(id, { cancel, ended: run(id, cancel) });
      return "accepted";
    },
    async cancel(id) {
      running.get(id)?.cancel.abort();
    },
    async health() {
      return setup === "READY" && running.size >= capacity ? "BUSY" : setup;
    },
    async idle() {
      await Promise.all([...running.values()].map(({ ended }) => ended));
    },
    async close() {
      stop.abort();
      await this.idle();
    },
  };
}

import { UserError } from "../../shared/error.ts";
import type { Engine, Session } from "./engine.ts";
import { type EngineOptions, type RunTimes, type SpawnedEngine, spawnEngine } from "./spawn-engine.ts";

/** Up to this much weight data an operator is too short for several threads to share: waiting for each other costs them a fifth, and
 * more with every further thread. */
const smallModelBytes = 64_000_000;
/** Rows of a usual batch; more processes would stand idle. */
const mostLanes = 4;

/** How many processes share the rows of a batch. A big model is held once, and a GPU is not divided.
 * @param weightBytes size of the weight files @param options `threads` are for all of them together */
export const lanesFor = (weightBytes: number, { providers, threads }: EngineOptions): number =>
  weightBytes <= smallModelBytes && providers.every((name) => name === "cpu") ? Math.min(threads, mostLanes) : 1;

/** Engine processes as one: `lanes` runs go on at the same time, each in a process of its own with its share of the threads. */
export interface LanedEngine extends Engine {
  /** Of the processes that are alive. */
  processIds(): readonly number[];
  /** Of all runs so far, per process. */
  runTimes(): RunTimes;
}

/** Starts processes and loads sessions in them as runs coincide. When one dies all are ended, and begin anew with the next load, so
 * that no process keeps sessions that nobody knows. */
export function spawnLanes(options: EngineOptions, lanes: number): LanedEngine {
  const threads = Math.max(1, Math.floor(options.threads / lanes));
  const engines = Array.from({ length: lanes }, () => spawnEngine({ ...options, threads }));
  const busy = engines.map(() => 0);
  // Counts how often all were ended: who fails later because of that must not end their successors.
  let lives = 0;

  const close = async (): Promise<void> => {
    await Promise.all(engines.map((engine) => engine.close()));
  };

  const load: Engine["load"] = async (model, settings) => {
    const life = lives;
    const [first] = engines as [SpawnedEngine];
    const sessions: (Promise<Session> | undefined)[] = [first.load(model, settings)];
    const { inputs, outputs } = await (sessions[0] as Promise<Session>);
    return {
      inputs,
      outputs,
      run: async (feeds) => {
        const lane = busy.indexOf(Math.min(...busy));
        busy[lane] = (busy[lane] as number) + 1;
        try {
          const session = sessions[lane] ?? (engines[lane] as SpawnedEngine).load(model, settings);
          sessions[lane] = session;
          // A failed load (no memory, a file that is away) may go better next time.
          session.catch(() => {
            if (sessions[lane] === session) sessions[lane] = undefined;
          });
          return await (await session).run(feeds);
        } catch (error) {
          if (error instanceof UserError && error.code === "engine_failed" && life === lives) {
            lives++;
            await close();
          }
          throw error;
        } finally {
          busy[lane] = (busy[lane] as number) - 1;
        }
      },
      close: async () => {
        for (const session of await Promise.allSettled(sessions.filter((loading) => loading !== undefined))) {
          if (session.status === "fulfilled") await session.value.close();
        }
      },
    };
  };

  const perProcess = (of: (times: RunTimes) => number): number =>
    engines.reduce((sum, engine) => sum + of(engine.runTimes()), 0) / lanes;
  return {
    ...options,
    lanes,
    load,
    close,
    processIds: () => engines.flatMap((engine) => engine.processId() ?? []),
    runTimes: () => ({
      runs: perProcess(({ runs }) => runs),
      nativeMs: perProcess(({ nativeMs }) => nativeMs),
      roundTripMs: perProcess(({ roundTripMs }) => roundTripMs),
    }),
  };
}

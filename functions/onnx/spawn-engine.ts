import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UserError } from "../../shared/error.ts";
import type { Engine, OnnxModel, Preset, Provider, Session } from "./engine.ts";
import type { EngineReply, EngineRequest } from "./messages.ts";

export interface EngineOptions {
  readonly preset: Preset;
  /** In order of preference; the CPU provider is always the last resort of the runtime itself. */
  readonly providers: readonly Provider[];
  /** Threads inside one operator. */
  readonly threads: number;
  /** Turns the runtime's profiler on and writes to this file prefix. */
  readonly profile?: string;
}

type Result = EngineReply["result"];
/** Omit that keeps a union a union. */
type RequestBody<T = EngineRequest> = T extends unknown ? Omit<T, "id"> : never;

interface Pending {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

/** One life of the engine process, with the questions it has not answered. */
interface Child {
  readonly process: ChildProcess;
  readonly pending: Map<number, Pending>;
}

/** What runs took: inside the runtime's own calls, and from question to answer; the difference is the process boundary. */
export interface RunTimes {
  readonly runs: number;
  readonly nativeMs: number;
  readonly roundTripMs: number;
}

/** An engine whose process can be watched: tests end it, benchmarks weigh it. */
export interface SpawnedEngine extends Engine {
  processId(): number | undefined;
  /** Peak resident memory of the process so far. */
  peakBytes(): number;
  /** Time of all runs so far. */
  runTimes(): RunTimes;
}

/** Starts the child process on first use, and again after it died. Sessions of a dead process fail with one clear
 * error each; load them again. @throws UserError unavailable when a provider is not part of this installation. */
export function spawnEngine(options: EngineOptions): SpawnedEngine {
  let child: Child | undefined;
  let peakBytes = 0;
  let times: RunTimes = { runs: 0, nativeMs: 0, roundTripMs: 0 };
  let nextId = 0;

  function start(): Child {
    const process = fork(fileURLToPath(new URL("./engine-process.ts", import.meta.url)), [], {
      serialization: "advanced",
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    const started: Child = { process, pending: new Map() };
    process.on("message", (reply: EngineReply) => {
      started.pending.get(reply.id)?.resolve(reply.result);
      started.pending.delete(reply.id);
    });
    const end = (cause: string): void => {
      if (child === started) child = undefined;
      for (const waiting of started.pending.values()) waiting.reject(engineFailed(cause));
      started.pending.clear();
    };
    process.on("exit", (code, signal) => end(signal ? `was ended by ${signal}` : `exited with code ${code}`));
    // Without a listener, a process that cannot even start would take the parent with it.
    process.on("error", (error) => end(`failed (${error.message})`));
    return started;
  }

  function ask(owner: Child, body: RequestBody): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (owner !== child || !owner.process.connected) return reject(engineFailed("that had loaded this model ended"));
      const id = nextId++;
      owner.pending.set(id, { resolve, reject });
      owner.process.send({ ...body, id } as EngineRequest, (error) => {
        if (error && owner.pending.delete(id)) reject(engineFailed(`cannot be reached (${error.message})`));
      });
    });
  }

  async function load(model: OnnxModel, { label = "model" }: { readonly label?: string } = {}): Promise<Session> {
    child ??= start();
    const owner = child;
    const session = nextId++;
    const settings = { ...options, weightsFolder: model.weightsFolder };
    const loaded = await ask(owner, { kind: "load", session, bytes: model.bytes, settings });
    if (loaded.kind !== "loaded") throw nativeError(label, loaded);
    return {
      inputs: loaded.inputs,
      outputs: loaded.outputs,
      run: async (feeds) => {
        const begin = performance.now();
        const result = await ask(owner, { kind: "run", session, feeds });
        if (result.kind !== "ran") throw nativeError(label, result);
        peakBytes = Math.max(peakBytes, result.peakBytes);
        times = {
          runs: times.runs + 1,
          nativeMs: times.nativeMs + result.nativeMs,
          roundTripMs: times.roundTripMs + performance.now() - begin,
        };
        return result.outputs;
      },
      close: async () => {
        if (owner === child) await ask(owner, { kind: "release", session });
      },
    };
  }

  async function close(): Promise<void> {
    const ending = child;
    child = undefined;
    if (!ending || ending.process.exitCode !== null || ending.process.signalCode !== null) return;
    await new Promise((resolve) => {
      ending.process.once("exit", resolve);
      ending.process.kill("SIGKILL");
    });
  }

  return {
    ...options,
    lanes: 1,
    load,
    close,
    processId: () => child?.process.pid,
    peakBytes: () => peakBytes,
    runTimes: () => times,
  };
}

const engineFailed = (cause: string): UserError =>
  new UserError(
    "engine_failed",
    `The engine process ${cause} before it answered. Nothing was saved by this call; try again, with PRESET=lean if memory is short.`,
  );

/** The runtime refused a model or its inputs: a bug of ours, or lack of memory. */
function nativeError(label: string, result: Result): Error {
  if (result.kind === "failed" && result.code) return new UserError(result.code, result.message);
  const message = result.kind === "failed" ? result.message : `unexpected reply "${result.kind}"`;
  return new Error(`onnxruntime, ${label}: ${message}`);
}

import { join } from "node:path";
import { embeddedFolder } from "../../functions/models/catalog.ts";
import { weightBytes } from "../../functions/models/weight-bytes.ts";
import type { Preset } from "../../functions/onnx/engine.ts";
import { type LanedEngine, lanesFor, spawnLanes } from "../../functions/onnx/spawn-lanes.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { write } from "../../functions/tensor/write-safetensors.ts";
import { processorSeconds, type Usage, watchMemory } from "./process-meter.ts";
import { benchPython, startPeer } from "./python-peer.ts";
import { randomCheckpoint } from "./random-checkpoint.ts";
import type { Contender } from "./rounds.ts";
import type { BenchSettings } from "./settings.ts";

/** A contender with its process and its last results. */
export interface Measured extends Contender {
  /** What the work gave last time. */
  results(): Results;
  /** Ends the process. */
  close(): Promise<Usage>;
}

export type Results = Readonly<Record<string, Tensor>>;

export const modelFolder = ({ model, folder }: BenchSettings): string => {
  if (model === "sd15") return randomCheckpoint(join(folder, "sd15-random"));
  return model === "embedded" ? embeddedFolder : model;
};

/** As many as the product opens the model with. */
const productLanes = (settings: BenchSettings & { readonly preset: Preset }): number =>
  lanesFor(weightBytes(modelFolder(settings)), { ...settings, providers: ["cpu"] });

/** Our side: `prepare` gets an engine and gives the work to time; `lanes` processes share the threads. The processor time is
 * theirs and ours. */
export async function ours(
  settings: BenchSettings,
  preset: Preset,
  prepare: (engine: LanedEngine) => Promise<() => Promise<Results>>,
  lanes = productLanes({ ...settings, preset }),
): Promise<Measured> {
  const engine = spawnLanes({ preset, providers: ["cpu"], threads: settings.threads }, lanes);
  const memory = watchMemory(engine.processIds);
  const work = await prepare(engine);
  const processorNow = (): number => {
    const { user, system } = process.cpuUsage();
    return engine.processIds().reduce((sum, id) => sum + processorSeconds(id), (user + system) / 1e6);
  };
  let results: Results = {};
  return {
    name: `ours, ${preset}`,
    run: async () => {
      const [begin, processorBegin, before] = [performance.now(), processorNow(), engine.runTimes()];
      results = await work();
      const [seconds, after] = [(performance.now() - begin) / 1000, engine.runTimes()];
      const kernels = (after.nativeMs - before.nativeMs) / 1000;
      const roundTrips = (after.roundTripMs - before.roundTripMs) / 1000;
      return {
        seconds,
        processorSeconds: processorNow() - processorBegin,
        breakdown: {
          runs: after.runs - before.runs,
          kernels,
          boundary: roundTrips - kernels,
          host: seconds - roundTrips,
        },
      };
    },
    results: () => results,
    close: async () => {
      const usage = memory.stop();
      await engine.close();
      return usage;
    },
  };
}

export interface Peer extends Measured {
  readonly versions: string;
  matrixProductRate(): Promise<number>;
}

export interface PeerWork {
  /** What the task in peer.py reads. */
  readonly data: Results;
  /** Its further settings. */
  readonly extra?: object;
  readonly compile?: boolean;
}

/** PyTorch's side. */
export async function pytorch(settings: BenchSettings, { data, extra, compile = false }: PeerWork): Promise<Peer> {
  const { task, folder, threads } = settings;
  const kind = compile ? "compiled" : "eager";
  const inputs = join(folder, `${task}-inputs.safetensors`);
  const outputs = join(folder, `${task}-${kind}-${threads}.safetensors`);
  write(inputs, data);
  const python = settings.python ?? benchPython(folder);
  const setup = { task, model: modelFolder(settings), data: inputs, threads, compile, ...extra };
  const peer = await startPeer(python, "peer.py", setup);
  const memory = watchMemory(() => [peer.processId]);
  return {
    name: `PyTorch ${kind}`,
    versions: peer.versions,
    matrixProductRate: peer.matrixProductRate,
    run: () => peer.run(outputs),
    results: () => {
      const file = readHeader(outputs);
      return Object.fromEntries([...file.tensors.keys()].map((name) => [name, readTensor(file, name)]));
    },
    close: async () => {
      const usage = memory.stop();
      peer.close();
      return usage;
    },
  };
}

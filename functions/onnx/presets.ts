import type { InferenceSession } from "onnxruntime-node";
import type { Preset, Provider } from "./engine.ts";

export interface SessionSettings {
  readonly preset: Preset;
  readonly providers: readonly Provider[];
  readonly threads: number;
  readonly weightsFolder?: string | undefined;
  /** File prefix for the runtime's profile; off when absent. */
  readonly profile?: string | undefined;
}

/** The runtime's session options for a preset. `speed`: every optimisation, weights repacked for the kernels. `lean`:
 * no layout changes and no repacking, so that weights stay mapped from their files, and memory goes back between steps. */
export function sessionOptions(settings: SessionSettings): InferenceSession.SessionOptions {
  const lean = settings.preset === "lean";
  return {
    executionProviders: settings.providers.map((name) => ({ name })),
    graphOptimizationLevel: lean ? "extended" : "all",
    intraOpNumThreads: settings.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    enableCpuMemArena: !lean,
    enableMemPattern: !lean,
    logSeverityLevel: 3,
    ...(settings.profile ? { enableProfiling: true, profileFilePrefix: settings.profile } : {}),
    extra: {
      session: {
        // Between one operator and the next a worker waits awake: going to sleep and being woken costs small models a fifth of
        // their time. After a run none may spin on, which would starve the event loops of this process and its parent.
        intra_op: { allow_spinning: "1", spin_duration_us: "50" },
        force_spinning_stop: "1",
        ...(lean ? { disable_prepacking: "1" } : {}),
        ...(settings.weightsFolder ? { model_external_initializers_file_folder_path: settings.weightsFolder } : {}),
      },
    },
  };
}

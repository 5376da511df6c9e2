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
        // Spinning worker threads would starve the event loop of this process and its parent.
        "intra_op.allow_spinning": "0",
        ...(lean ? { disable_prepacking: "1" } : {}),
        ...(settings.weightsFolder ? { model_external_initializers_file_folder_path: settings.weightsFolder } : {}),
      },
    },
  };
}

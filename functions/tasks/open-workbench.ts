import { join } from "node:path";
import { createLibrary } from "../concepts/library.ts";
import { embeddedFolder, knownModel, type LocatedModel, locateModel } from "../models/catalog.ts";
import type { Hub } from "../models/hub.ts";
import { openModel } from "../models/open-model.ts";
import { openTokenizer } from "../models/tokenizer.ts";
import { unknownWords, unknownWordsNote } from "../models/unknown-words.ts";
import { weightBytes } from "../models/weight-bytes.ts";
import { choosePreset } from "../onnx/choose-preset.ts";
import type { Preset, Provider } from "../onnx/engine.ts";
import { spawnEngine } from "../onnx/spawn-engine.ts";
import { lanesFor, spawnLanes } from "../onnx/spawn-lanes.ts";
import { openVision } from "../vision/open-vision.ts";
import type { Vision } from "../vision/vision.ts";
import { keepModels } from "./keep-models.ts";
import type { Workbench } from "./workbench.ts";

export interface WorkbenchOptions {
  /** Catalogue name, folder or Hub repository; the embedded model when absent. */
  readonly model?: string;
  readonly preset: Preset | "auto";
  readonly providers: readonly Provider[];
  readonly threads: number;
  readonly hub: Hub;
  readonly store: Parameters<typeof createLibrary>[0];
  /** Puts a hosted captioner and classifier before the local ones. */
  readonly wrapVision?: (local: Vision) => Vision;
}

/** The tools of one process: one engine for each model, a small one for vision, opened when first needed. */
export function openWorkbench(options: WorkbenchOptions): Workbench & { close(): Promise<void> } {
  const visionEngine = spawnEngine({ preset: "lean", providers: ["cpu"], threads: options.threads });
  const local = openVision(join(embeddedFolder, "vision"), visionEngine, openTokenizer(embeddedFolder).decode);

  function open(about: LocatedModel) {
    const bytes = weightBytes(about.folder);
    const preset = options.preset === "auto" ? choosePreset(bytes, process.availableMemory()) : options.preset;
    const settings = { preset, providers: options.providers, threads: options.threads };
    const engine = spawnLanes(settings, lanesFor(bytes, settings));
    return { model: openModel(about.id, about.folder, engine, about.lookEncoder), end: () => engine.close() };
  }
  const models = keepModels((id = options.model) => locateModel(id, options.hub), open);

  const own = knownModel(options.model);
  const unknown = own && "folder" in own.source ? unknownWords(own.source.folder) : () => [];

  return {
    model: models.model,
    lease: models.lease,
    art: own?.art,
    notesOn: (caption) => {
      const note = unknownWordsNote(unknown(caption));
      return note ? [note] : [];
    },
    vision: options.wrapVision ? options.wrapVision(local) : local,
    library: createLibrary(options.store),
    now: () => new Date(),
    randomSeed: () => Math.floor(Math.random() * 2 ** 32),
    close: async () => {
      await models.close();
      await visionEngine.close();
    },
  };
}

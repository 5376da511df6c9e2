import { join } from "node:path";
import { createLibrary } from "../concepts/library.ts";
import { embeddedFolder, knownModel, type LocatedModel, locateModel } from "../models/catalog.ts";
import type { Hub } from "../models/hub.ts";
import { type OpenedModel, openModel } from "../models/open-model.ts";
import { openTokenizer } from "../models/tokenizer.ts";
import { unknownWords, unknownWordsNote } from "../models/unknown-words.ts";
import { weightBytes } from "../models/weight-bytes.ts";
import { choosePreset } from "../onnx/choose-preset.ts";
import type { Preset, Provider } from "../onnx/engine.ts";
import { spawnEngine } from "../onnx/spawn-engine.ts";
import { lanesFor, spawnLanes } from "../onnx/spawn-lanes.ts";
import { openVision } from "../vision/open-vision.ts";
import type { Vision } from "../vision/vision.ts";
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
  const models = new Map<string, Promise<OpenedModel & { about: LocatedModel; end(): Promise<void> }>>();

  async function open(id: string | undefined) {
    const about = await locateModel(id, options.hub);
    const bytes = weightBytes(about.folder);
    const preset = options.preset === "auto" ? choosePreset(bytes, process.availableMemory()) : options.preset;
    const settings = { preset, providers: options.providers, threads: options.threads };
    const engine = spawnLanes(settings, lanesFor(bytes, settings));
    return { ...openModel(about.id, about.folder, engine), about, end: () => engine.close() };
  }

  const own = knownModel(options.model);
  const unknown = own && "folder" in own.source ? unknownWords(own.source.folder) : () => [];

  return {
    model: (id = options.model) => {
      const key = id ?? "";
      const opened = models.get(key) ?? open(id);
      models.set(key, opened);
      // A failed opening (no network, a missing file) may go better next time.
      opened.catch(() => models.delete(key));
      return opened;
    },
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
      const opened = await Promise.allSettled(models.values());
      for (const model of opened) if (model.status === "fulfilled") await model.value.end();
      await visionEngine.close();
    },
  };
}

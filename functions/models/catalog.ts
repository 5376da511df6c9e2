import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../shared/error.ts";
import { downloadModel, type Hub } from "./hub.ts";

/** A model that is known by name. */
export interface CatalogEntry {
  readonly id: string;
  /** A folder of this repository, or a repository of the Hub. */
  readonly source: { readonly folder: string } | { readonly repository: string };
  /** What it draws, for people. */
  readonly draws: string;
  readonly drawsPhotographs: boolean;
  /** What it makes of everything, where that is no photograph, in a word: "I draw emoji". */
  readonly art?: string;
  /** Folder of a network, trained with the model, that guesses a thing's look. It is run as it is: of this repository alone. */
  readonly lookEncoder?: string;
  /** Used where a request names none. */
  readonly defaults: ModelDefaults;
}

export interface ModelDefaults {
  /** Sampler steps. */
  readonly steps: number;
  /** Classifier-free guidance scale. */
  readonly guidance: number;
  /** Prompts that show a new concept off; `{}` stands for it. */
  readonly scenes: readonly string[];
}

/** What the pipelines of Stable Diffusion use. */
const usualDefaults: ModelDefaults = {
  steps: 30,
  guidance: 7.5,
  scenes: ["{} in space", "{} on a beach", "{} in the snow"],
};

/** The embedded model's folder: its vision models describe clicks, whatever model draws. */
export const embeddedFolder = fileURLToPath(new URL("../assets/emoji-64", import.meta.url));

const embedded: CatalogEntry = {
  id: "emoji-64",
  source: { folder: embeddedFolder },
  draws: "emoji art, 64 pixels wide",
  drawsPhotographs: false,
  art: "emoji",
  lookEncoder: join(embeddedFolder, "look_encoder"),
  defaults: { ...usualDefaults, steps: 25, guidance: 4 },
};

const catalog: readonly CatalogEntry[] = [
  embedded,
  {
    id: "stable-diffusion-v1-5",
    source: { repository: "stable-diffusion-v1-5/stable-diffusion-v1-5" },
    draws: "photographs and art, 512 pixels wide",
    drawsPhotographs: true,
    defaults: usualDefaults,
  },
];

/** What is known of a model before anything of it is downloaded; nothing of folders and repositories outside the catalogue. */
export const knownModel = (wanted: string | undefined): CatalogEntry | undefined =>
  wanted === undefined ? embedded : catalog.find(({ id }) => id === wanted);

export interface LocatedModel extends Omit<CatalogEntry, "source"> {
  /** In diffusers layout. */
  readonly folder: string;
}

/** Finds a model by catalogue name, folder in diffusers layout, or Hub repository `owner/name`; the embedded one when
 * none is named. Downloads what is missing. @throws UserError not_found, unavailable */
export async function locateModel(wanted: string | undefined, hub: Hub): Promise<LocatedModel> {
  const entry = knownModel(wanted);
  if (entry) {
    const { source, ...rest } = entry;
    return { ...rest, folder: "folder" in source ? source.folder : await downloadModel(source.repository, hub) };
  }
  const unknown = {
    id: wanted as string,
    draws: "what its makers trained it on",
    drawsPhotographs: true,
    defaults: usualDefaults,
  };
  if (existsSync(join(unknown.id, "unet", "config.json"))) {
    // Pictures and concept files carry the id: where the folder lies concerns nobody who gets them, and a model is told by its hash.
    return { ...unknown, id: basename(resolve(unknown.id)), folder: unknown.id };
  }
  // No part starts with a dot: `../elsewhere` is a folder, and never leads out of the cache.
  if (/^\w[\w.-]*\/\w[\w.-]*$/.test(unknown.id) && !existsSync(unknown.id)) {
    return { ...unknown, folder: await downloadModel(unknown.id, hub) };
  }
  throw new UserError(
    "not_found",
    `There is no model "${unknown.id}". Expected ${catalog.map(({ id }) => id).join(", ")}, a folder in diffusers layout (with unet/config.json) or a Hub repository such as owner/name.`,
  );
}

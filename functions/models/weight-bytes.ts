import { existsSync, globSync, statSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a diffusers folder's weights that are there; links to nowhere count nothing, opening the model says what is wrong. */
export const weightBytes = (folder: string): number =>
  globSync("{unet,text_encoder,vae}/*.safetensors", { cwd: folder })
    .map((path) => join(folder, path))
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);

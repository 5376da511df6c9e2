import { createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { downloadFile, listFiles } from "@huggingface/hub";
import { UserError } from "../../shared/error.ts";

/** Where checkpoints come from. */
export interface Hub {
  /** Address of the Hugging Face Hub or of a mirror. */
  readonly endpoint: string;
  readonly token?: string;
  /** Kept checkpoints, `<owner>/<name>/…`; a folder of the home directory when absent. */
  readonly cache?: string;
}

const parts = ["text_encoder", "unet", "vae"];
/** Weight files of one part in order of preference: half precision first, it is half the download and is widened at load. */
const weightNames = [
  "diffusion_pytorch_model.fp16.safetensors",
  "model.fp16.safetensors",
  "diffusion_pytorch_model.safetensors",
  "model.safetensors",
];
const smallFiles =
  /^(model_index\.json|vocabulary\.json|scheduler\/scheduler_config\.json|tokenizer\/[\w.-]+\.(json|txt)|(text_encoder|unet|vae)\/config\.json)$/;

/** Fetches the few files of a Stable Diffusion repository that this project reads, into the cache, each checked for its
 * size and complete or absent. A second call downloads only what is missing. @returns the folder
 * @throws UserError not_found, unavailable, bad_config */
export async function downloadModel(repository: string, hub: Hub): Promise<string> {
  const folder = join(hub.cache ?? join(homedir(), ".cache", "eponym", "models"), repository);
  if (existsSync(join(folder, "complete"))) return folder;
  const access = { repo: repository, hubUrl: hub.endpoint, ...(hub.token && { accessToken: hub.token }) };
  const sizes = await sizesOf(access, repository);
  for (const path of wantedFiles([...sizes.keys()], repository)) {
    const target = join(folder, path);
    if (existsSync(target)) continue;
    const blob = await downloadFile({ ...access, path });
    if (!blob) throw unavailable(repository, `${path} is listed, but not there`);
    await writeWhole(target, blob, sizes.get(path) as number, repository);
  }
  await writeWhole(join(folder, "complete"), new Blob([]), 0, repository);
  return folder;
}

async function sizesOf(access: Parameters<typeof listFiles>[0], repository: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  try {
    for await (const file of listFiles({ ...access, recursive: true })) {
      if (file.type === "file") sizes.set(file.path, file.size);
    }
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode;
    if (status === 404) throw new UserError("not_found", `The Hub has no model repository "${repository}".`);
    if (status === 401 || status === 403) {
      throw new UserError(
        "not_found",
        `The Hub does not open "${repository}" to you. Accept its licence there and set HF_TOKEN.`,
      );
    }
    throw unavailable(repository, (error as Error).message, error);
  }
  return sizes;
}

/** @throws UserError bad_config when a part has no weights in safetensors */
export function wantedFiles(paths: readonly string[], repository: string): readonly string[] {
  const weights = parts.map((part) => {
    const name = weightNames.find((candidate) => paths.includes(`${part}/${candidate}`));
    if (name) return `${part}/${name}`;
    throw new UserError(
      "bad_config",
      `"${repository}" has no safetensors weights in ${part}/; expected a Stable Diffusion 1.x checkpoint in diffusers layout.`,
    );
  });
  return [...paths.filter((path) => smallFiles.test(path)), ...weights];
}

/** Under another name until complete, so that an interrupted download leaves nothing that looks whole. */
async function writeWhole(target: string, blob: Blob, bytes: number, repository: string): Promise<void> {
  const part = `${target}.${process.pid}.part`;
  await mkdir(dirname(target), { recursive: true });
  try {
    await pipeline(Readable.fromWeb(blob.stream() as ReadableStream), createWriteStream(part));
    if (blob.size !== bytes) throw new Error(`${target} has ${blob.size} bytes, the Hub lists ${bytes}`);
    await rename(part, target);
  } catch (error) {
    throw unavailable(repository, (error as Error).message, error);
  } finally {
    await rm(part, { force: true });
  }
}

const unavailable = (repository: string, reason: string, cause?: unknown): UserError =>
  new UserError("unavailable", `Downloading "${repository}" failed: ${reason}. Try again; what is complete is kept.`, {
    cause,
  });

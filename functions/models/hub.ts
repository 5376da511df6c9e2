import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { downloadFile, type ListFileEntry, listFiles } from "@huggingface/hub";
import { UserError } from "../../shared/error.ts";
import { makeFolder } from "../store/make-folder.ts";
import { notXl } from "./unet-config.ts";

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

/** Downloads of this process by folder: whoever asks for the same one waits for it. */
const underWay = new Map<string, Promise<void>>();

/** The folder of kept checkpoints. */
export const modelCache = (hub: Hub): string => hub.cache ?? join(homedir(), ".cache", "eponym", "models");

/** Fetches the few files of a Stable Diffusion repository that this project reads into the cache. Every file is checked
 * against the size and hash that the Hub lists and has its name only when whole; what an interrupted download left is
 * continued by the next. @param repository `owner/name` @returns the folder
 * @throws UserError not_found, unavailable, bad_config */
export async function downloadModel(repository: string, hub: Hub): Promise<string> {
  const folder = join(modelCache(hub), repository);
  if (existsSync(join(folder, "complete"))) return folder;
  const download = underWay.get(folder) ?? downloadInto(folder, repository, hub).finally(() => underWay.delete(folder));
  underWay.set(folder, download);
  await download;
  return folder;
}

async function downloadInto(folder: string, repository: string, hub: Hub): Promise<void> {
  const access = {
    repo: { type: "model", name: repository },
    hubUrl: hub.endpoint,
    ...(hub.token && { accessToken: hub.token }),
  } as const;
  try {
    const files = new Map<string, ListFileEntry>();
    for await (const file of listFiles({ ...access, recursive: true })) {
      if (file.type === "file") files.set(file.path, file);
    }
    for (const path of wantedFiles([...files.keys()], repository)) {
      const open = () => downloadFile({ ...access, path, xet: false });
      await fetchFile(files.get(path) as ListFileEntry, join(folder, path), open);
    }
    await writeFile(join(folder, "complete"), "");
  } catch (error) {
    throw error instanceof UserError ? error : hubError(repository, error);
  }
}

/** @throws UserError bad_config when a part has no weights in safetensors, or there are parts that only larger models have */
export function wantedFiles(paths: readonly string[], repository: string): readonly string[] {
  // Before anything is fetched: it would be gigabytes for nothing.
  if (paths.some((path) => path.startsWith("text_encoder_2/"))) {
    throw new UserError("bad_config", `"${repository}" has a second text encoder (text_encoder_2/): ${notXl}.`);
  }
  const weights = parts.map((part) => {
    const name = weightNames.find((candidate) => paths.includes(`${part}/${candidate}`));
    if (name) return `${part}/${name}`;
    throw new UserError(
      "bad_config",
      `"${repository}" has no safetensors weights in ${part}/; expected a Stable Diffusion 1.x or 2.x checkpoint in diffusers layout.`,
    );
  });
  return [...paths.filter((path) => smallFiles.test(path)), ...weights];
}

/** Writes to `<target>.part`, from where an earlier call stopped, and renames that once size and hash are right. A part
 * that turned out wrong is removed, one that is merely short is kept. */
async function fetchFile(file: ListFileEntry, target: string, open: () => Promise<Blob | null>): Promise<void> {
  if (existsSync(target)) return;
  await makeCacheFolder(dirname(target));
  const part = `${target}.part`;
  const { hash, expected } = listedHash(file);
  const done = await hashPart(part, hash);
  if (done < file.size) {
    const blob = await open();
    if (!blob) throw new Error(`${file.path} is listed, but not there`);
    if (blob.size !== file.size) throw new Error(sizeProblem(file, blob.size));
    const rest = Readable.fromWeb(blob.slice(done).stream() as ReadableStream<Uint8Array>);
    await pipeline(rest, checked(file, done, hash), createWriteStream(part, { flags: "a" }));
  }
  const { size } = await stat(part);
  if (size < file.size) throw new Error(sizeProblem(file, size));
  if (size > file.size || (expected && hash.digest("hex") !== expected)) {
    await rm(part);
    throw new Error(size > file.size ? sizeProblem(file, size) : `${file.path} is not what the Hub lists (wrong hash)`);
  }
  await rename(part, target);
}

async function makeCacheFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    const told = `cannot keep models in ${folder} (${reason}): set MODEL_CACHE to a folder that may be written to`;
    throw new UserError("bad_config", told, { cause });
  }
}

const sizeProblem = ({ path, size }: ListFileEntry, got: number): string =>
  `${path} has ${got} bytes, the Hub lists ${size}`;

/** The Hub lists a SHA-256 for large files and git's SHA-1 for the rest. */
function listedHash({ oid, lfs, size }: ListFileEntry): { readonly hash: Hash; readonly expected: string | undefined } {
  if (lfs) return { hash: createHash("sha256"), expected: lfs.oid };
  return { hash: createHash("sha1").update(`blob ${size}\0`), expected: oid };
}

/** Bytes that an earlier call left, all of them hashed. */
async function hashPart(part: string, hash: Hash): Promise<number> {
  // Also makes an empty one, so that there is a file to finish even where nothing is to be fetched.
  await pipeline(Readable.from([]), createWriteStream(part, { flags: "a" }));
  let done = 0;
  for await (const chunk of createReadStream(part) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    done += chunk.length;
  }
  return done;
}

/** Passes bytes on, hashes them, and stops at the first chunk that brings more than was listed. */
const checked = (file: ListFileEntry, done: number, hash: Hash) =>
  async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let total = done;
    for await (const chunk of source) {
      total += chunk.length;
      hash.update(chunk);
      yield chunk;
      if (total > file.size) return;
    }
  };

function hubError(repository: string, error: unknown): UserError {
  const { statusCode } = Object(error) as { readonly statusCode?: number };
  if (statusCode === 404) {
    return new UserError("not_found", `The Hub has no model repository "${repository}".`, { cause: error });
  }
  if (statusCode === 401 || statusCode === 403) {
    return new UserError(
      "not_found",
      `The Hub does not open "${repository}" to you. Check its name; if that is right, accept its licence there and set HF_TOKEN.`,
      { cause: error },
    );
  }
  // The library passes some failures on as bare text.
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(
    "unavailable",
    `Downloading "${repository}" failed: ${reason}. Try again; what has arrived is kept.`,
    { cause: error },
  );
}

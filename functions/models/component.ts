import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ZodType } from "zod";
import { UserError } from "../../shared/error.ts";
import { type WeightValue, weight } from "../graph/value.ts";
import { readHeader, readRows, type SafetensorsFile } from "../tensor/safetensors.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";

/** One part of a diffusers folder (unet/, vae/, text_encoder/): its checked config and its weights, still on disk. */
export interface Component<Config> {
  readonly name: string;
  readonly config: Config;
  readonly files: readonly SafetensorsFile[];
  has(parameter: string): boolean;
  /** A weight as a graph value. @throws UserError bad_config when it is missing or has another shape or number format */
  weight(parameter: string, shape: Shape): WeightValue;
  /** Rows of a matrix, read from disk. @throws UserError bad_config when it is missing */
  rows(parameter: string, rows: readonly number[]): Tensor;
}

/** File names that diffusers and transformers write, best first. */
const weightFiles = [
  "diffusion_pytorch_model.safetensors",
  "model.safetensors",
  "diffusion_pytorch_model.fp16.safetensors",
  "model.fp16.safetensors",
];

/** Opens `<folder>/<name>` and checks config.json. @throws UserError not_found, bad_config, bad_safetensors */
export function openComponent<Config>(folder: string, name: string, schema: ZodType<Config>): Component<Config> {
  const root = join(folder, name);
  const config = readConfig(join(root, "config.json"), schema);
  const files = weightPaths(root).map((path) => readHeader(path));
  const find = (parameter: string) => {
    for (const file of files) {
      const entry = file.tensors.get(parameter);
      if (entry) return { file, entry };
    }
    throw new UserError(
      "bad_config",
      `${name}: the config asks for weight "${parameter}", which no file in ${root} has. Is config.json from another checkpoint?`,
    );
  };
  return {
    name,
    config,
    files,
    has: (parameter) => files.some((file) => file.tensors.has(parameter)),
    weight: (parameter, shape) => {
      const { file, entry } = find(parameter);
      if (entry.shape.join() !== shape.join()) {
        throw new UserError(
          "bad_config",
          `${name}: weight "${parameter}" has shape [${entry.shape}], config.json implies [${shape}]. Is config.json from another checkpoint?`,
        );
      }
      const { dtype, offset, length } = entry;
      if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
        throw new UserError(
          "bad_config",
          `${name}: weight "${parameter}" is stored as ${dtype}; expected F32, F16 or BF16.`,
        );
      }
      return weight(`${name}/${parameter}`, shape, { file: file.path, offset, length, storage: dtype });
    },
    rows: (parameter, rows) => readRows(find(parameter).file, parameter, rows),
  };
}

/** Reads a JSON file of at most 1 MB. @throws UserError not_found, bad_config naming the key that does not fit */
export function readConfig<Config>(path: string, schema: ZodType<Config>): Config {
  if (!existsSync(path)) throw new UserError("not_found", `${path} does not exist; expected a diffusers model folder.`);
  if (statSync(path).size > 1_000_000)
    throw new UserError("bad_config", `${path} is larger than 1 MB; no model config is.`);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UserError("bad_config", `${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join(".") || "config"}: ${issue.message}`);
  throw new UserError("bad_config", `${path}: ${problems.slice(0, 5).join("; ")}`);
}

/** One file, or the shards that an index names. */
function weightPaths(root: string): readonly string[] {
  for (const name of weightFiles) {
    const path = join(root, name);
    if (existsSync(path)) return [path];
    if (existsSync(`${path}.index.json`)) return shardPaths(root, `${path}.index.json`);
  }
  throw new UserError("not_found", `${root} has no weights; expected one of ${weightFiles.join(", ")}.`);
}

function shardPaths(root: string, index: string): readonly string[] {
  const { weight_map } = JSON.parse(readFileSync(index, "utf8")) as { weight_map?: Record<string, unknown> };
  const names = [...new Set(Object.values(weight_map ?? {}))];
  if (names.length === 0 || !names.every((name) => typeof name === "string" && /^[\w.-]+\.safetensors$/.test(name))) {
    throw new UserError(
      "bad_config",
      `${index}: weight_map must map weights to .safetensors files of the same folder.`,
    );
  }
  return names.map((name) => join(root, name as string));
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ZodType, z } from "zod";
import { UserError } from "../../shared/error.ts";
import { type WeightValue, weight } from "../graph/value.ts";
import { readHeader, readRows, type SafetensorsFile } from "../tensor/safetensors.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";
import { readJson } from "./read-text.ts";

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
  const paths = weightPaths(root);
  const files = paths.map((path) => readHeader(path));
  const find = (parameter: string) => {
    for (const [i, file] of files.entries()) {
      const entry = file.tensors.get(parameter);
      // Messages name the file as people know it, not what a link leads to.
      if (entry) return { file, entry, path: paths[i] as string };
    }
    throw new UserError(
      "bad_config",
      `${root}: config.json asks for weight "${parameter}", which no file there has. Is config.json from another checkpoint?`,
    );
  };
  return {
    name,
    config,
    files,
    has: (parameter) => files.some((file) => file.tensors.has(parameter)),
    weight: (parameter, shape) => {
      const { file, entry, path } = find(parameter);
      if (entry.shape.join() !== shape.join()) {
        throw new UserError(
          "bad_config",
          `${path}: weight "${parameter}" has shape [${entry.shape}], config.json implies [${shape}]. Is config.json from another checkpoint?`,
        );
      }
      const { dtype, offset, length } = entry;
      if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
        throw new UserError(
          "bad_config",
          `${path}: weight "${parameter}" is stored as ${dtype}; expected F32, F16 or BF16.`,
        );
      }
      return weight(`${name}/${parameter}`, shape, { file: file.path, offset, length, storage: dtype });
    },
    rows: (parameter, rows) => readRows(find(parameter).file, parameter, rows),
  };
}

/** No config of a model is larger. */
const maxConfigBytes = 1_000_000;

/** No list of a config is longer; naming what is wrong with each entry of a very long one would take seconds. */
const maxListLength = 1_000;

/** Reads a JSON file of at most 1 MB. @throws UserError not_found, bad_config naming the key that does not fit */
export function readConfig<Config>(path: string, schema: ZodType<Config>): Config {
  const json = readJson(path, maxConfigBytes);
  for (const [key, value] of Object.entries(json ?? {})) {
    if (Array.isArray(value) && value.length > maxListLength) {
      throw new UserError(
        "bad_config",
        `${path}: ${key.slice(0, 100)} is a list of ${value.length} entries, more than ${maxListLength}.`,
      );
    }
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  // Keys come from the file and may be long.
  const problems = result.error.issues.map((issue) => `${issue.path.join(".") || "config"}: ${issue.message}`);
  throw new UserError("bad_config", `${path}: ${problems.slice(0, 5).join("; ").slice(0, 500)}`);
}

/** One file, or the shards that an index names. */
function weightPaths(root: string): readonly string[] {
  for (const name of weightFiles) {
    const path = join(root, name);
    if (existsSync(path)) return [path];
    if (existsSync(`${path}.index.json`)) {
      const { weight_map } = readConfig(`${path}.index.json`, ShardIndex);
      return [...new Set(Object.values(weight_map))].map((shard) => join(root, shard));
    }
  }
  throw new UserError("not_found", `${root} has no weights; expected one of ${weightFiles.join(", ")}.`);
}

const ShardIndex = z.looseObject({
  weight_map: z
    .record(
      z.string(),
      z.string().regex(/^[\w-][\w.-]*\.safetensors$/, "expected a .safetensors file of the same folder"),
    )
    .refine((map) => Object.keys(map).length > 0, "names no weights"),
});

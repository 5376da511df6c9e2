import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Preset } from "../../functions/onnx/engine.ts";

export interface BenchSettings {
  readonly task: "step" | "learn" | "imagine";
  /** `sd15`, `embedded`, or a diffusers folder. */
  readonly model: string;
  readonly threads: number;
  readonly rounds: number;
  /** Pictures per step. */
  readonly batch: number | undefined;
  /** Side of the picture in pixels, for `step`. */
  readonly side: number | undefined;
  readonly presets: readonly Preset[];
  /** Also against torch.compile. */
  readonly compile: boolean;
  readonly json: boolean;
  /** Interpreter with requirements.txt installed; the benchmark makes its own when absent. */
  readonly python: string | undefined;
  /** Where everything lies that the benchmark makes; git-ignored. */
  readonly folder: string;
}

export const usage = `npm run bench -- step|learn|imagine [options]
  --model sd15|embedded|<folder>   sd15: the Stable Diffusion 1.5 architecture with random weights (4.3 GB, made once)
  --threads 2   --rounds 5   --presets speed,lean   --batch n   --side pixels (step only)
  --compile     also against torch.compile (needs g++; compiling takes minutes)
  --python path an interpreter with test/bench/requirements.txt; otherwise .bench/venv is made
  --json        the report as JSON`;

/** @throws Error with the usage when the arguments make no sense */
export function readSettings(argv: readonly string[]): BenchSettings {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      model: { type: "string" },
      threads: { type: "string", default: "2" },
      rounds: { type: "string", default: "5" },
      batch: { type: "string" },
      side: { type: "string" },
      presets: { type: "string", default: "speed,lean" },
      compile: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      python: { type: "string" },
    },
  });
  const [task] = positionals;
  if (positionals.length !== 1 || (task !== "step" && task !== "learn" && task !== "imagine")) throw new Error(usage);
  const presets = values.presets.split(",").map((name): Preset => {
    if (name === "speed" || name === "lean") return name;
    throw new Error(`--presets takes speed and lean, got "${name}"\n${usage}`);
  });
  const folder = join(import.meta.dirname, "..", "..", ".bench");
  mkdirSync(folder, { recursive: true });
  return {
    task,
    model: values.model ?? (task === "step" ? "sd15" : "embedded"),
    threads: whole("threads", values.threads),
    rounds: whole("rounds", values.rounds),
    batch: values.batch === undefined ? undefined : whole("batch", values.batch),
    side: values.side === undefined ? undefined : whole("side", values.side),
    presets,
    compile: values.compile,
    json: values.json,
    python: values.python,
    folder,
  };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number from 1 on, got "${text}"\n${usage}`);
}

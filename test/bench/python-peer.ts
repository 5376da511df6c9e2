import { type ExecFileSyncOptions, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Timing } from "./rounds.ts";

/** A Python process that does the same work with PyTorch; it answers one line of JSON to each line. */
export interface PythonPeer {
  readonly processId: number;
  readonly versions: string;
  /** Does the work once; `result`, when given, is the safetensors file to write its tensors to. */
  run(result?: string): Promise<Timing>;
  /** Best rate of a large matrix product, in GFLOP/s: a ceiling where there is no C compiler. */
  matrixProductRate(): Promise<number>;
  close(): void;
}

/** The interpreter of the benchmark's own virtual environment, made in `folder` on first use. */
export function benchPython(folder: string): string {
  const environment = join(folder, "venv");
  const python = join(environment, "bin", "python");
  const marker = join(environment, "complete");
  if (existsSync(marker)) return python;
  process.stderr.write(`making ${environment} (PyTorch and diffusers: several GB, once) …\n`);
  const show: ExecFileSyncOptions = { stdio: ["ignore", "inherit", "inherit"] };
  execFileSync("python3", ["-m", "venv", environment], show);
  const requirements = join(import.meta.dirname, "requirements.txt");
  execFileSync(python, ["-m", "pip", "install", "--quiet", "--requirement", requirements], show);
  execFileSync("touch", [marker]);
  return python;
}

/** Starts `<script> <arguments as JSON>` and waits until it is ready. */
export async function startPeer(python: string, script: string, setup: object): Promise<PythonPeer> {
  const child = spawn(python, [join(import.meta.dirname, script), JSON.stringify(setup)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended before it answered; its messages are above`);
    return JSON.parse(value as string) as Record<string, unknown>;
  };
  const ask = (command: object): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return answer();
  };
  const { versions } = await answer();
  return {
    processId: child.pid as number,
    versions: String(versions),
    run: async (result) => {
      const { seconds, processorSeconds } = await ask({ do: "run", result });
      return { seconds: Number(seconds), processorSeconds: Number(processorSeconds) };
    },
    matrixProductRate: async () => Number((await ask({ do: "matrix product" }))["gflops"]),
    close: () => child.stdin.end(),
  };
}

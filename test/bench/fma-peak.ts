import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Measures the ceiling of the machine's arithmetic, in GFLOP/s. */
export interface Ceiling {
  /** How it was measured, for the report. */
  readonly method: string;
  measure(): number;
}

/** A register-only loop of fused multiply-adds in C (fma-peak.c), compiled into `folder`. Undefined where there is no C
 * compiler or the processor has no AVX2. */
export function fmaCeiling(folder: string, threads: number): Ceiling | undefined {
  const source = join(import.meta.dirname, "fma-peak.c");
  const program = join(folder, "fma-peak");
  try {
    if (!existsSync(program)) {
      execFileSync("cc", ["-O2", "-mavx2", "-mfma", "-pthread", source, "-o", program], { stdio: "ignore" });
    }
    const measure = (): number => Number(execFileSync(program, [String(threads)], { encoding: "utf8" }));
    measure();
    return { method: "AVX2 FMA loop in C", measure };
  } catch {
    return undefined;
  }
}

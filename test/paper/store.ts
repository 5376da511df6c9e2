import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Run } from "./plan.ts";

const Result = z.object({
  key: z.string(),
  run: z.custom<Run>((value) => typeof value === "object" && value !== null),
  text: z.string(),
  tokens: z.int(),
  /** Mean squared error of the predicted noise of each step's batch. */
  training: z.array(z.number()),
  /** The same on the two banks; the last point is of the rows that are kept. */
  points: z.array(z.object({ step: z.int(), report: z.number(), counterfactual: z.number() })),
  /** Of the kept rows to the initialiser, means over rows. */
  normRatio: z.number(),
  cosine: z.number(),
  rows: z.object({ data: z.array(z.number()), shape: z.array(z.int()) }),
  picture: z.base64().optional(),
});
export type RunResult = Readonly<z.infer<typeof Result>>;

/** Raised when what a run means changes, so that older results are left aside. */
const version = 1;

/** Name of a result: model, picture with its words, and every option of the run. */
export const keyOf = (run: Run, modelHash: string, thingDigest: string): string =>
  createHash("sha256")
    .update(JSON.stringify([version, modelHash, thingDigest, Object.entries(run).toSorted()]))
    .digest("hex")
    .slice(0, 32);

/** One file per run: what was finished before an interruption is not done again. */
export function openRunStore(folder: string) {
  mkdirSync(folder, { recursive: true });
  const pathOf = (key: string): string => join(folder, `${key}.json`);
  return {
    get(key: string): RunResult | undefined {
      if (!existsSync(pathOf(key))) return undefined;
      return Result.parse(JSON.parse(readFileSync(pathOf(key), "utf8")));
    },
    /** Whole or not at all: written aside, then moved into place. */
    put(result: RunResult): void {
      const aside = `${pathOf(result.key)}.part`;
      writeFileSync(aside, JSON.stringify(result));
      renameSync(aside, pathOf(result.key));
    },
  };
}

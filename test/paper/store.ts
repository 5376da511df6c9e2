import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { LearnOptions } from "../../functions/inversion/learn-options.ts";
import type { Run } from "./plan.ts";

const AnyRun = z.custom<Run>((value) => typeof value === "object" && value !== null);

/** What one run of the plan measured. */
export const RunResult = z.object({
  key: z.string(),
  run: AnyRun,
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
export type RunResult = Readonly<z.infer<typeof RunResult>>;

/** What a judge saw in the pictures that were drawn on the way. */
export const JudgedResult = z.object({
  key: z.string(),
  run: AnyRun,
  looks: z.array(
    z.object({
      step: z.int(),
      /** Of the slider between the initialiser (0) and what was learned (1). */
      strength: z.number(),
      /** Learning alone until here, not what looking takes. */
      seconds: z.number(),
      seen: z.array(
        z.object({
          asked: z.enum(["scene", "background"]),
          /** Does the judge see the scene or the background colour that the prompt asks for? */
          followed: z.boolean(),
          nearest: z.boolean(),
          nearestInFour: z.boolean(),
          /** To the likeliest true picture of the thing elsewhere, −1…1. */
          likeness: z.number(),
        }),
      ),
      /** How unlike the drawn subjects are, 0…2: pictures that are all one picture have none. */
      variety: z.number(),
    }),
  ),
});
export type JudgedResult = Readonly<z.infer<typeof JudgedResult>>;

/** Raised when what a run means changes, so that older results are left aside. */
const version = 2;

/** What a result depends on beside its run: the model's weights, the picture with its words, what the run's settings came out as, and
 * the words that its rows begin as. */
export interface Circumstances {
  readonly modelHash: string;
  readonly thingDigest: string;
  readonly options: LearnOptions;
  readonly start: string;
}

export const keyOf = (run: Run, { modelHash, thingDigest, options, start }: Circumstances): string => {
  const sorted = (value: object) => Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([version, modelHash, thingDigest, sorted(run), sorted(options), start]))
    .digest("hex")
    .slice(0, 32);
};

/** One file per run: what was finished before an interruption is not done again. */
export function openRunStore<T extends { readonly key: string }>(folder: string, schema: z.ZodType<T>) {
  mkdirSync(folder, { recursive: true });
  const pathOf = (key: string): string => join(folder, `${key}.json`);
  return {
    get(key: string): T | undefined {
      if (!existsSync(pathOf(key))) return undefined;
      return schema.parse(JSON.parse(readFileSync(pathOf(key), "utf8")));
    },
    /** Whole or not at all: written aside, then moved into place. */
    put(result: T): void {
      const aside = `${pathOf(result.key)}.part`;
      writeFileSync(aside, JSON.stringify(result));
      renameSync(aside, pathOf(result.key));
    },
  };
}
export type RunStore<T extends { readonly key: string }> = ReturnType<typeof openRunStore<T>>;

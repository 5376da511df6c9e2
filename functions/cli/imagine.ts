import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { ImagineInput, type ImagineOutput, samplerNames } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { grid } from "../drawing/grid.ts";
import { readPicture } from "../tensor/pixels.ts";
import { decimal, wholeNumber, words } from "./arguments.ts";
import { copyOut, cut, fileStem, headline, printResult, remark } from "./outputs.ts";
import { createProgress } from "./progress.ts";
import type { Runner } from "./run.ts";
import type { Session } from "./session.ts";

export interface ImagineFlags {
  readonly count: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly guidance?: number;
  readonly sampler: ImagineInput["sampler"];
  readonly negative: string;
  readonly strength?: number;
  readonly out: string;
  readonly json: boolean;
}

const usualSampler: ImagineInput["sampler"] = "dpmpp-2m-karras";

export const imagineCommand = (run: Runner): Command =>
  new Command("imagine")
    .description("draw with learned words")
    .argument(
      "<prompt>",
      'text with concepts in it, e.g. "<mycat> in space"',
      words("The prompt", 1, limits.maxPromptCharacters),
    )
    .option("--count <n>", `pictures, 1 to ${limits.maxPicturesPerJob}`, wholeNumber(1, limits.maxPicturesPerJob), 4)
    .option(
      "--seed <n>",
      "of the first picture; the next ones count on; random when left out",
      wholeNumber(0, 2 ** 32 - 1),
    )
    .option(
      "--steps <n>",
      `sampler steps, 1 to ${limits.maxSamplerSteps}; the model's usual number when left out`,
      wholeNumber(1, limits.maxSamplerSteps),
    )
    .option(
      "--guidance <g>",
      "how closely to follow the prompt, 1 to 30, 1 is not at all; the model's usual when left out",
      decimal(1, 30),
    )
    .addOption(
      new Option("--sampler <name>", "how noise becomes a picture").choices([...samplerNames]).default(usualSampler),
    )
    .option(
      "--strength <s>",
      `of the words, 0 to ${limits.maxConceptStrength}: 0 what they began as, 1 what they learned; <name:0.7> says it for one`,
      decimal(0, limits.maxConceptStrength),
    )
    .option("--negative <text>", "what not to draw", words("--negative", 0, limits.maxPromptCharacters), "")
    .option("--out <folder>", "where pictures go", "out")
    .option("--json", "print the result as JSON", false)
    .action((prompt: string, flags: ImagineFlags) =>
      run((session, signal) => imaginePictures(session, prompt, flags, signal)),
    );

/** Draws, copies the pictures out, and joins several into one sheet. */
export async function imaginePictures(
  session: Session,
  prompt: string,
  flags: ImagineFlags,
  signal: AbortSignal,
): Promise<{ readonly output: ImagineOutput; readonly paths: readonly string[] }> {
  const input = ImagineInput.parse({
    task: "imagine",
    prompt,
    negative: flags.negative,
    count: flags.count,
    sampler: flags.sampler,
    seed: flags.seed ?? session.bench.randomSeed(),
    steps: flags.steps,
    guidance: flags.guidance,
    strength: flags.strength,
    viewer: session.viewer,
  });
  const progress = createProgress(flags.json);
  try {
    const output = await session.run(input, progress.show, signal);
    progress.finish();
    const stem = stemOf(prompt, flags);
    const names = output.pictures.map(({ key, seed }) => ({ key, name: `${stem}-${seed}.png` }));
    const paths = await copyOut(session, names, flags.out);
    if (paths.length > 1) paths.unshift(await writeSheet(paths, output, prompt, join(flags.out, `${stem}.png`)));
    const notes = [...unclosedNotes(prompt), ...output.notes];
    if (!flags.json) {
      for (const note of notes) remark(note);
      headline(`${prompt} · seed ${output.seed}`);
    }
    printResult(flags.json, { ...output, notes, files: paths }, paths);
    return { output, paths };
  } finally {
    progress.finish();
  }
}

/** A `<` that begins a name and is never closed is plain text to the parser, which is seldom what was meant. */
export const unclosedNotes = (prompt: string): readonly string[] =>
  Array.from(
    prompt.matchAll(/(?<!\\)<(\p{L}[^\s<>]*)(?![^<>\n]*>)/gu),
    ([, name]) => `"<${name}" has no ">" and is drawn as plain text; for the word write <${name}>.`,
  );

async function writeSheet(
  paths: readonly string[],
  output: ImagineOutput,
  prompt: string,
  target: string,
): Promise<string> {
  const tiles = await Promise.all(
    paths.map(async (path, i) => ({ picture: await readPicture(path), caption: `seed ${output.pictures[i]?.seed}` })),
  );
  await mkdir(join(target, ".."), { recursive: true });
  await writeFile(target, await grid({ title: prompt, tiles }));
  return target;
}

/** The prompt and what was asked for besides it, so that comparing settings overwrites nothing:
 * `mycat-in-space-strength-0.2-without-dog`. */
export function stemOf(
  prompt: string,
  { strength, guidance, steps, sampler: named, negative = "" }: Partial<ImagineFlags>,
): string {
  const sampler = named === usualSampler ? undefined : named;
  const asked = Object.entries({ strength, guidance, steps, sampler }).filter(([, value]) => value !== undefined);
  const without = negative === "" ? [] : [cut(`without-${fileStem(negative)}`.slice(0, 40), 60)];
  return [fileStem(prompt), ...asked.flat(), ...without].join("-");
}

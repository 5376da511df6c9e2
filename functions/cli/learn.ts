import { Command, Option } from "commander";
import { conceptName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import { LearnInput, type LearnOutput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { classOf } from "../tasks/subject.ts";
import { type Click, clicksArgument, decimal, wholeNumber, words } from "./arguments.ts";
import { type Found, findThing, writeMask } from "./find-thing.ts";
import { type ImprovementFlags, improvementOptions, improvementsOf } from "./improvement-flags.ts";
import { copyOut, headline, hint, namedAfter, printResult, remark, say, sayFirst } from "./outputs.ts";
import { createProgress } from "./progress.ts";
import type { Runner } from "./run.ts";
import type { Session } from "./session.ts";

export interface LearnFlags extends ImprovementFlags {
  /** One per picture, in their order, or none. */
  readonly click?: readonly Click[];
  readonly name?: string;
  readonly init?: LearnInput["initialiser"];
  readonly caption?: string;
  readonly class?: string;
  readonly level: LearnInput["level"];
  readonly steps: number;
  readonly batch: number;
  readonly mode: LearnInput["mode"];
  readonly rate?: number;
  readonly seed: number;
  readonly out: string;
  readonly json: boolean;
}

export const learnCommand = (run: Runner): Command => {
  const command = new Command("learn")
    .description("teach a new word from one picture and one click, or from up to five pictures of the same thing")
    .argument("<pictures...>", "JPEG, PNG, WebP, GIF or AVIF")
    .option(
      "--click <x,y>",
      "where the thing is, in pixels or percent, once per picture; without it the likeliest thing is taken",
      clicksArgument,
    )
    .option("--name <name>", "the new word; suggested from the class when left out")
    .addOption(
      new Option(
        "--init <kind>",
        "what the word starts from (default: caption; in product mode stars for photographs that nobody describes)",
      ).choices(["caption", "class", "star", "stars"]),
    )
    .option("--caption <text>", "describe the thing yourself", words("--caption", 1, limits.maxCaptionCharacters))
    .option(
      "--class <text>",
      "its class, for --init class and --background; the noun of --caption when left out",
      words("--class", 1, limits.maxClassCharacters),
    )
    .addOption(
      new Option("--level <level>", "how much of what was clicked")
        .choices(["part", "object", "group"])
        .default("object"),
    )
    .option(
      "--steps <n>",
      `optimisation steps, 1 to ${limits.maxLearnSteps}`,
      wholeNumber(1, limits.maxLearnSteps),
      100,
    )
    .option("--batch <n>", "examples per step, 1 to 16", wholeNumber(1, 16), 4)
    .addOption(
      new Option("--mode <mode>", "paper: as published; product: with our improvements")
        .choices(["product", "paper"])
        .default("product"),
    )
    .option("--rate <lr>", "learning rate, 0.000001 to 1; the mode's own when left out", decimal(1e-6, 1))
    .option("--seed <n>", "of all random numbers", wholeNumber(0, 2 ** 32 - 1), 0)
    .option("--out <folder>", "where pictures go", "out")
    .option("--json", "print the result as JSON", false)
    .action((pictures: string[], flags: LearnFlags) =>
      run((session, signal) => learnPictures(session, pictures, flags, signal)),
    );
  for (const option of improvementOptions) command.addOption(option);
  return command;
};

/** Describe → show → learn → show. Returns what was learned and where its pictures are. */
export async function learnPictures(
  session: Session,
  paths: readonly string[],
  flags: LearnFlags,
  signal: AbortSignal,
): Promise<LearnOutput> {
  checkCounts(paths, flags.click);
  const wanted = flags.name === undefined ? undefined : conceptName(flags.name);
  const progress = createProgress(flags.json);
  try {
    const found: Found[] = [];
    for (const [i, path] of paths.entries()) {
      found.push(
        await findThing(session, path, { level: flags.level, click: flags.click?.[i] }, progress.show, signal),
      );
    }
    progress.finish();
    const [first, ...more] = found as [Found, ...Found[]];
    const name = wanted ?? first.suggestedName;
    const maskPaths: string[] = [];
    // Called after the pictures: the word's own name is settled when it is saved.
    const stems = differing(found.map(({ stem }) => stem));
    for (const [i, one] of found.entries()) {
      maskPaths.push(await writeMask(session, one, flags.out, stems[i] as string));
    }
    const { caption, className } = chosenWords(flags, first.thing);
    // What is said is right; of what is seen, describing tells whether it is worth starting from.
    const seen = flags.mode === "paper" ? "caption" : first.thing.initialiser;
    const initialiser = flags.init ?? (flags.caption ? "caption" : seen);
    if (!flags.json) {
      headline(caption);
      say(`  class ${className} · mask in ${maskPaths.join(", ")}`);
      maskPaths.push(
        ...(await sayFirst(
          session,
          { ...first, thing: { ...first.thing, initialiser }, caption: flags.caption },
          flags.out,
          first.stem,
        )),
      );
    }
    const input = LearnInput.parse({
      task: "learn",
      picture: first.key,
      click: first.click,
      level: flags.level,
      mask: first.thing.mask,
      morePictures: more.map(({ key, thing }) => ({ picture: key, mask: thing.mask })),
      caption,
      className,
      name,
      owner: session.viewer.user,
      initialiser,
      mode: flags.mode,
      steps: flags.steps,
      batch: flags.batch,
      learningRate: flags.rate,
      improvements: improvementsOf(flags),
      seed: flags.seed,
      previews: [0, 0.25, 0.5, 0.75, 1]
        .map((share) => Math.round(share * flags.steps))
        .filter((s, i, all) => all.indexOf(s) === i),
    });
    const learned = await session.run(input, progress.show, signal);
    progress.finish();
    const written = await copyOut(session, namedAfter(learned.concept.name, learned.pictures), flags.out);
    if (!flags.json) tell(learned);
    printResult(flags.json, { ...learned, files: [...maskPaths, ...written] }, [...maskPaths, ...written]);
    return learned;
  } finally {
    progress.finish();
  }
}

/** Names as they are where no two are the same; all of them numbered else. */
export const differing = (names: readonly string[]): readonly string[] =>
  new Set(names).size === names.length ? names : names.map((name, i) => `${name}-${i + 1}`);

/** Caption and class to learn from: what the person says goes first, and a caption of theirs brings its own class. */
export function chosenWords(
  said: Pick<LearnFlags, "caption" | "class">,
  seen: { readonly caption: string; readonly className: string },
): { readonly caption: string; readonly className: string } {
  const className = said.class ?? (said.caption === undefined ? seen.className : classOf(said.caption));
  return { caption: said.caption ?? seen.caption, className };
}

function checkCounts(paths: readonly string[], clicks: readonly Click[] | undefined): void {
  const most = limits.maxLearnPictures;
  if (paths.length > most) {
    throw new UserError("bad_request", `A word is learned from at most ${most} pictures, got ${paths.length}.`);
  }
  if (clicks && clicks.length !== paths.length) {
    throw new UserError(
      "bad_request",
      `Got ${clicks.length} --click for ${paths.length} ${paths.length === 1 ? "picture" : "pictures"}: give one for each, in their order, or none.`,
    );
  }
}

function tell({ concept, notes }: LearnOutput): void {
  for (const note of notes) remark(note);
  headline(`<${concept.name}> is learned: ${concept.tokens} tokens, step ${concept.bestStep} kept`);
  hint(`  try: npm run imagine -- "<${concept.name}> in space"`);
}

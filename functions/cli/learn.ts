import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import colours from "picocolors";
import { conceptName } from "../../shared/concept-name.ts";
import { type DescribeOutput, LearnInput, type LearnOutput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { maskOverlay } from "../drawing/mask-overlay.ts";
import { decodeMask } from "../tensor/mask.ts";
import { readPicture } from "../tensor/pixels.ts";
import { looksLikePhotograph } from "../vision/photograph.ts";
import { type Click, clickArgument, decimal, readUpload, wholeNumber } from "./arguments.ts";
import { copyOut, heading, hint, namedAfter, printResult, say } from "./outputs.ts";
import { createProgress } from "./progress.ts";
import type { Runner } from "./run.ts";
import type { Session } from "./session.ts";

export interface LearnFlags {
  readonly click?: Click;
  readonly name?: string;
  readonly init: LearnInput["initialiser"];
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

export const learnCommand = (run: Runner): Command =>
  new Command("learn")
    .description("teach a new word from one picture and one click")
    .argument("<picture>", "JPEG, PNG, WebP, GIF or AVIF")
    .option(
      "--click <x,y>",
      "where the thing is, in pixels or percent; without it the likeliest thing is taken",
      clickArgument,
    )
    .option("--name <name>", "the new word; suggested from the class when left out")
    .addOption(
      new Option("--init <kind>", "what the word starts from")
        .choices(["caption", "class", "star", "stars"])
        .default("caption"),
    )
    .option("--caption <text>", "describe the thing yourself")
    .option("--class <text>", "its class, for --init class")
    .addOption(
      new Option("--level <level>", "how much of what was clicked")
        .choices(["part", "object", "group"])
        .default("object"),
    )
    .option("--steps <n>", "optimisation steps", wholeNumber(1, limits.maxLearnSteps), 100)
    .option("--batch <n>", "examples per step", wholeNumber(1, 16), 4)
    .addOption(
      new Option("--mode <mode>", "paper: as published; product: with our improvements")
        .choices(["product", "paper"])
        .default("product"),
    )
    .option("--rate <lr>", "learning rate; the mode's own when left out", decimal(1e-6, 1))
    .option("--seed <n>", "of all random numbers", wholeNumber(0, 2 ** 32 - 1), 0)
    .option("--out <folder>", "where pictures go", "out")
    .option("--json", "print the result as JSON", false)
    .action((picture: string, flags: LearnFlags) =>
      run((session, signal) => learnPicture(session, picture, flags, signal)),
    );

/** Describe → show → learn → show. Returns what was learned and where its pictures are. */
export async function learnPicture(
  session: Session,
  path: string,
  flags: LearnFlags,
  signal: AbortSignal,
): Promise<LearnOutput> {
  const wanted = flags.name === undefined ? undefined : conceptName(flags.name);
  const picture = await session.addPicture(await readUpload(path));
  const click = flags.click?.(picture);
  const progress = createProgress(flags.json);
  try {
    const described = await session.run(
      { task: "describe", picture: picture.key, level: flags.level, viewer: session.viewer, ...(click && { click }) },
      progress.show,
      signal,
    );
    progress.finish();
    const [thing] = described.candidates as [DescribeOutput["candidates"][number]];
    const name = wanted ?? described.suggestedName;
    const seen = await readPicture((await session.store.get(picture.key))?.data as Uint8Array);
    const maskPath = await writeMask(session, seen, thing, flags.out, name);
    if (!flags.json) {
      heading(`${colours.green("●")} ${flags.caption ?? thing.caption}`);
      say(`  class ${flags.class ?? thing.className} · mask in ${maskPath}`);
      await warnAboutPhotographs(session, seen);
    }
    const input = LearnInput.parse({
      task: "learn",
      picture: picture.key,
      click: click ?? thing.click,
      level: flags.level,
      mask: thing.mask,
      caption: flags.caption ?? thing.caption,
      className: flags.class ?? thing.className,
      name,
      owner: session.viewer.user,
      initialiser: flags.init,
      mode: flags.mode,
      steps: flags.steps,
      batch: flags.batch,
      learningRate: flags.rate,
      seed: flags.seed,
      previews: [0, 0.25, 0.5, 0.75, 1]
        .map((share) => Math.round(share * flags.steps))
        .filter((s, i, all) => all.indexOf(s) === i),
    });
    const learned = await session.run(input, progress.show, signal);
    progress.finish();
    const paths = await copyOut(session, namedAfter(learned.concept.name, learned.pictures), flags.out);
    if (!flags.json) {
      for (const note of learned.notes) say(colours.yellow(`  ${note}`));
      heading(
        `${colours.green("●")} <${learned.concept.name}> is learned: ${learned.concept.tokens} tokens, step ${learned.concept.bestStep} kept`,
      );
      hint(`  try: npm run imagine -- "<${learned.concept.name}> in space"`);
    }
    printResult(flags.json, { ...learned, files: [maskPath, ...paths] }, [maskPath, ...paths]);
    return learned;
  } finally {
    progress.finish();
  }
}

async function writeMask(
  session: Session,
  picture: Awaited<ReturnType<typeof readPicture>>,
  thing: DescribeOutput["candidates"][number],
  folder: string,
  name: string,
): Promise<string> {
  const mask = await decodeMask((await session.store.get(thing.mask))?.data as Uint8Array);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}-mask.png`);
  await writeFile(path, await maskOverlay({ picture, mask, click: thing.click }));
  return path;
}

/** A small model of emoji must not be mistaken for one of photographs. */
async function warnAboutPhotographs(session: Session, picture: Awaited<ReturnType<typeof readPicture>>): Promise<void> {
  const { about } = await session.bench.model();
  if (about.drawsPhotographs || !looksLikePhotograph(picture)) return;
  say(
    colours.yellow(
      `  This looks like a photograph. ${about.id} draws ${about.draws}: it can learn the colours and the kind of`,
    ),
  );
  say(
    colours.yellow(
      "  thing and draw it as an emoji, not as a photograph. MODEL=stable-diffusion-v1-5 draws photographs",
    ),
  );
  say(
    colours.yellow("  (a download of 2 GB, and far slower without a GPU), and so does MODEL=<any diffusers folder>."),
  );
}

import { Option } from "commander";
import { Improvements } from "../../shared/improvements.ts";
import { decimal, wholeNumber } from "./arguments.ts";

/** Flags of the command line that change a mode's settings, named as commander names them. */
export type ImprovementFlags = {
  readonly [K in keyof Improvements]?: Improvements[K];
};

const onOff = (flag: string, description: string): readonly Option[] => [
  new Option(`--${flag}`, description),
  new Option(`--no-${flag}`, `not: ${description}`),
];

/** One switch for each improvement over the paper; without any, the mode's own settings. */
export const improvementOptions: readonly Option[] = [
  new Option("--update <kind>", "how the word moves: freely, or in its direction alone").choices([
    "adamw",
    "direction",
  ] satisfies NonNullable<Improvements["update"]>[]),
  new Option("--more-tokens <n>", "rows to learn beyond those of the words, 0 to 8").argParser(wholeNumber(0, 8)),
  ...onOff("framing", "learn from the square around the thing"),
  new Option("--mask-floor <w>", "loss weight outside the mask, 0 to 1, which ignores the mask").argParser(
    decimal(0, 1),
  ),
  new Option(
    "--background <w>",
    "weight of looking, outside the mask, as the plain class word does, 0 to 10",
  ).argParser(decimal(0, 10)),
  new Option(
    "--recompositions <n>",
    "pictures of the thing cut out, on plain grounds, to learn from as well, 0 to 8",
  ).argParser(wholeNumber(0, 8)),
  new Option("--large-timesteps <a>", "draw noisy examples more often at first, 0 to 1").argParser(decimal(0, 1)),
  ...onOff("averaging", "keep an average over steps, not one step"),
  ...onOff("keep-best", "keep the step that is best on a fixed bank"),
  ...onOff("early-stopping", "stop when that bank no longer gets better"),
  ...onOff("stratified", "spread the timesteps of a step evenly"),
  ...onOff("flip", "learn from mirror images too"),
  ...onOff("decay", "weight decay as in the paper's code"),
];

/** What was given; nothing for flags that were left out. Other flags of the command may be among them. */
export function improvementsOf(flags: ImprovementFlags): Improvements {
  const given = Object.keys(Improvements.shape).map((name) => [name, flags[name as keyof Improvements]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Improvements;
}

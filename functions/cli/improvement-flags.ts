import { Option } from "commander";
import { Improvements } from "../../shared/improvements.ts";
import { decimal, wholeNumber } from "./arguments.ts";

/** Flags of the command line that change a mode's settings, named as commander names them. */
export type ImprovementFlags = {
  readonly [K in keyof Improvements]?: Improvements[K];
};

/** What product and paper mode do without the flag, as their help says it. */
const own = (product: number | string | boolean, paper: number | string | boolean): string => {
  const said = (value: number | string | boolean) => (typeof value === "boolean" ? (value ? "on" : "off") : value);
  return product === paper ? ` (default: ${said(product)})` : ` (product: ${said(product)}, paper: ${said(paper)})`;
};

const onOff = (flag: string, description: string, product: boolean, paper: boolean): readonly Option[] => [
  new Option(`--${flag}`, description + own(product, paper)),
  new Option(`--no-${flag}`, `not: ${description}`),
];

/** One switch for each improvement over the paper; without any, the mode's own settings. */
export const improvementOptions: readonly Option[] = [
  new Option(
    "--update <kind>",
    `how the word moves: freely, or in its direction alone${own("adamw", "adamw")}`,
  ).choices(["adamw", "direction"] satisfies NonNullable<Improvements["update"]>[]),
  new Option("--more-tokens <n>", `rows to learn beyond those of the words, 0 to 8${own(2, 0)}`).argParser(
    wholeNumber(0, 8),
  ),
  ...onOff("look", "begin where the model's look encoder sees the thing, if it has one", true, false),
  ...onOff("framing", "learn from the square around the thing", true, false),
  new Option("--mask-floor <w>", `loss weight outside the mask, 0 to 1, which ignores the mask${own(0, 1)}`).argParser(
    decimal(0, 1),
  ),
  new Option(
    "--background <w>",
    `weight of looking, outside the mask, as the plain class word does, 0 to 10${own(0.15, 0)}`,
  ).argParser(decimal(0, 10)),
  new Option(
    "--recompositions <n>",
    `pictures of the thing cut out, on plain grounds, to learn from as well, 0 to 8${own(5, 0)}`,
  ).argParser(wholeNumber(0, 8)),
  new Option("--large-timesteps <a>", `draw noisy examples more often at first, 0 to 1${own(0, 0)}`).argParser(
    decimal(0, 1),
  ),
  ...onOff("averaging", "keep an average over steps, not one step", true, false),
  ...onOff("keep-best", "keep the step that is best on a fixed bank", true, false),
  ...onOff("early-stopping", "stop when that bank no longer gets better", true, false),
  ...onOff("stratified", "spread the timesteps of a step evenly", true, false),
  ...onOff("flip", "learn from mirror images too", false, true),
  ...onOff("decay", "weight decay as in the paper's code", false, true),
];

/** What was given; nothing for flags that were left out. Other flags of the command may be among them. */
export function improvementsOf(flags: ImprovementFlags): Improvements {
  const given = Object.keys(Improvements.shape).map((name) => [name, flags[name as keyof Improvements]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Improvements;
}

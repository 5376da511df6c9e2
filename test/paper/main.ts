/** `npm run paper [-- --quick] [--only <parts>] [--model <folder>] [--confounds] [--json]`: the paper's figures on pictures that no
 * part of the model has seen, and the product against its setting. Finished runs are kept in the output folder; the same command
 * goes on where it was stopped, and `--only` leaves the rest for another time. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { paper } from "./paper.ts";
import { type Part, parts } from "./plan.ts";

const whole = (value: string): number => {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("Give a whole number of 1 or more.");
  return count;
};

const named = (value: string): ReadonlySet<Part> => {
  const wanted = value.split(",");
  const unknown = wanted.find((name) => !parts.some((part) => part === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no part "${unknown}". Give some of ${parts.join(", ")}, with commas.`);
  }
  return new Set(parts.filter((part) => wanted.includes(part)));
};

interface Flags {
  readonly quick?: boolean;
  readonly only?: ReadonlySet<Part>;
  readonly model?: string;
  readonly pictures?: number;
  readonly judgedPictures?: number;
  readonly seeds?: number;
  readonly judgedSeeds?: number;
  readonly steps?: number;
  readonly confounds?: boolean;
  readonly json?: boolean;
  readonly out: string;
}

const flags = new Command("paper")
  .option("--quick", "a small version for a look: 4 pictures, 1 seed, 100 steps, figures 3 and 6 and what a judge sees")
  .option("--only <parts>", `of ${parts.join(", ")}, with commas; what an earlier call finished is kept`, named)
  .option("--model <folder>", "catalogue name, folder or Hub repository; the embedded model when absent")
  .option("--pictures <count>", "of the 48 held-out things, the paper's twelve first", whole)
  .option("--judged-pictures <count>", "of the same, for what a judge looks at", whole)
  .option("--seeds <count>", "", whole)
  .option("--judged-seeds <count>", "as many when absent", whole)
  .option("--steps <count>", "", whole)
  .option(
    "--confounds",
    "the learning rate that fits the model's embeddings; wrong, right and random words to start from",
  )
  .option("--json", "print the findings as JSON")
  .option("--out <folder>", "", join("out", "paper"))
  .parse()
  .opts<Flags>();

const { quick = false } = flags;
const usual = parts.filter((part) =>
  quick ? part === "figures" || part === "judged" : part !== "confounds" || flags.confounds,
);
const bar = new SingleBar({
  format: "{percentage} % of {total} steps, {duration_formatted} gone, {eta_formatted} left",
  stream: process.stderr,
  etaBuffer: 500,
  noTTYOutput: true,
  notTTYSchedule: 30_000,
});
const { html, figures, json } = await paper({
  ...(flags.model !== undefined && { model: flags.model }),
  parts: flags.only ?? new Set(usual),
  folder: flags.out,
  pictures: flags.pictures ?? (quick ? 4 : 12),
  judgedPictures: flags.judgedPictures ?? (quick ? 4 : 48),
  seeds: flags.seeds ?? (quick ? 1 : 3),
  judgedSeeds: flags.judgedSeeds,
  steps: flags.steps ?? (quick ? 100 : 400),
  start: (total) => bar.start(total, 0),
  progress: (steps) => bar.increment(steps),
}).finally(() => bar.stop());

mkdirSync(join(flags.out, "figures"), { recursive: true });
writeFileSync(join(flags.out, "report.html"), html);
writeFileSync(join(flags.out, "report.json"), json);
for (const [name, png] of figures) writeFileSync(join(flags.out, "figures", `${name}.png`), png);
process.stdout.write(flags.json ? json : `${join(flags.out, "report.html")}\n`);

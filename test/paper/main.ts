/** `npm run paper [-- --quick] [--model <folder>] [--confounds] [--json]`: the paper's figures on pictures that no part of the
 * model has seen. Finished runs are kept in the output folder; the same command goes on where it was stopped. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError } from "commander";
import { paper } from "./paper.ts";

const whole = (value: string): number => {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError("Give a whole number of 1 or more.");
  return count;
};

interface Flags {
  readonly quick?: boolean;
  readonly model?: string;
  readonly pictures?: number;
  readonly seeds?: number;
  readonly steps?: number;
  readonly confounds?: boolean;
  readonly json?: boolean;
  readonly out: string;
}

const flags = new Command("paper")
  .option("--quick", "a small version for a look: 4 pictures, 1 seed, 100 steps, no table of improvements")
  .option("--model <folder>", "catalogue name, folder or Hub repository; the embedded model when absent")
  .option("--pictures <count>", "of the 48 held-out things, the paper's twelve first", whole)
  .option("--seeds <count>", "", whole)
  .option("--steps <count>", "", whole)
  .option("--confounds", "the same arms at the learning rate that fits the model's embeddings")
  .option("--json", "print the findings as JSON")
  .option("--out <folder>", "", join("out", "paper"))
  .parse()
  .opts<Flags>();

const { quick = false } = flags;
const bar = new SingleBar({
  format: "{percentage} % of {total} steps, {duration_formatted} gone, {eta_formatted} left",
  stream: process.stderr,
  etaBuffer: 500,
});
const { html, figures, json } = await paper({
  ...(flags.model !== undefined && { model: flags.model }),
  ...{ quick, confounds: flags.confounds ?? false, folder: flags.out },
  pictures: flags.pictures ?? (quick ? 4 : 12),
  seeds: flags.seeds ?? (quick ? 1 : 3),
  steps: flags.steps ?? (quick ? 100 : 400),
  start: (total) => bar.start(total, 0),
  progress: (steps) => bar.increment(steps),
}).finally(() => bar.stop());

mkdirSync(join(flags.out, "figures"), { recursive: true });
writeFileSync(join(flags.out, "report.html"), html);
writeFileSync(join(flags.out, "report.json"), json);
for (const [name, png] of figures) writeFileSync(join(flags.out, "figures", `${name}.png`), png);
process.stdout.write(flags.json ? json : `${join(flags.out, "report.html")}\n`);

#!/usr/bin/env node
import { Command } from "commander";
import { requireFolder } from "./cli/arguments.ts";
import { conceptsCommand } from "./cli/concepts.ts";
import { demoCommand } from "./cli/demo.ts";
import { describeCommand } from "./cli/describe.ts";
import { imagineCommand } from "./cli/imagine.ts";
import { learnCommand } from "./cli/learn.ts";
import { endWithoutReader } from "./cli/outputs.ts";
import { exitCodes, report, runCommand } from "./cli/run.ts";

endWithoutReader();
const program = new Command("eponym")
  .description("Teach a new word from one picture and one click, and draw with it.")
  .showHelpAfterError("(--help shows all options)")
  .usage("[options]")
  .configureHelp({ commandUsage: usage })
  .addHelpText(
    "after",
    `\nSettings such as MODEL, THREADS, PRESET and CONCEPTS come from the environment or .env (see .env.example).
Exit codes: 0 done, 1 a bug of ours, ${Object.entries(exitCodes)
      .map(([code, number]) => `${number} ${code}`)
      .join(", ")}.`,
  );
for (const command of [learnCommand, imagineCommand, describeCommand, conceptsCommand, demoCommand]) {
  program.addCommand(command(runCommand));
}
// Commander ends with 1 on wrong arguments; ours is 2.
program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
inherit(program);
program.hook("preAction", async (_program, command) => {
  const { out } = command.opts<{ out?: string }>();
  if (out !== undefined) await requireFolder(out);
});

/** As people type it: package.json has a script for each command. */
function usage(command: Command): string {
  const names: string[] = [];
  for (let one: Command | null = command; one && one !== program; one = one.parent) names.unshift(one.name());
  const [script = "<command>", ...below] = names;
  return ["npm run", script, "--", ...below, command.usage()].join(" ");
}

/** Commands that were made apart take over how their parent ends and helps. */
function inherit(command: Command): void {
  for (const subcommand of command.commands) inherit(subcommand.copyInheritedSettings(command));
}

await program.parseAsync().catch((error: unknown) => {
  process.exitCode = report(error);
});

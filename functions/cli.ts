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
exitWithTwo(program);
program.hook("preAction", async (_program, command) => {
  const { out } = command.opts<{ out?: string }>();
  if (out !== undefined) await requireFolder(out);
});

/** Commander ends with 1 on wrong arguments, in every subcommand on its own; ours is 2. */
function exitWithTwo(command: Command): void {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  for (const subcommand of command.commands) exitWithTwo(subcommand);
}
await program.parseAsync().catch((error: unknown) => {
  process.exitCode = report(error);
});

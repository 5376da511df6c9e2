import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { conceptsCommand } from "../../functions/cli/concepts.ts";
import { demoCommand } from "../../functions/cli/demo.ts";
import { imagineCommand } from "../../functions/cli/imagine.ts";
import { learnCommand } from "../../functions/cli/learn.ts";

const withBelow = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(withBelow)];

/** What an option says when it gets something that is no number. */
function refusal(parse: ((text: string, before: unknown) => unknown) | undefined): string {
  try {
    parse?.("?", undefined);
    return "";
  } catch (error) {
    return String(error);
  }
}

test("the help of every number names the range that is enforced, except of seeds", () => {
  const commands = [conceptsCommand, demoCommand, imagineCommand, learnCommand].flatMap((make) =>
    withBelow(make(async () => undefined)),
  );
  const ranges = commands.flatMap(({ options }) =>
    options.flatMap(({ long, description, parseArg }) => {
      const [, from, to] = /number from (\S+) to (\S+),/.exec(refusal(parseArg)) ?? [];
      return from === undefined || long === "--seed" ? [] : [{ long, description, from: Number(from), to }];
    }),
  );
  expect(ranges.length).toBeGreaterThan(10);
  for (const { long, description, from, to } of ranges) {
    const shown = from > 0 && from < 1 ? from.toFixed(6) : from;
    expect(`${long}: ${description}`).toContain(`${shown} to ${to}`);
  }
});

test.each([
  [["concepts", "show", "--help"], 0, "Usage: npm run concepts -- show [options] <name>"],
  [["imagine", "a cat", "--count", "0"], 2, "(--help shows all options)"],
  [["concepts", "foo"], 2, "(--help shows all options)"],
])("%j ends with %d and says how the command is typed", (given, code, words) => {
  const cli = join(import.meta.dirname, "..", "..", "functions", "cli.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...given], { encoding: "utf8" });
  expect(status).toBe(code);
  expect(stdout + stderr).toContain(words);
});

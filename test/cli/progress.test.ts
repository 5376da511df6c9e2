import type { Command } from "commander";
import { expect, onTestFinished, test, vi } from "vitest";
import { conceptsCommand } from "../../functions/cli/concepts.ts";
import { describeCommand } from "../../functions/cli/describe.ts";
import { explainCommand } from "../../functions/cli/explain.ts";
import type { Runner } from "../../functions/cli/run.ts";
import type { Session } from "../../functions/cli/session.ts";

/** A terminal that nobody sees. */
function onTerminal(): void {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = true;
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  vi.useFakeTimers();
  onTestFinished(() => {
    process.stderr.isTTY = isTTY;
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

const word = {
  ...{ id: "cat1", name: "cat", version: 1, source: "cat.png", caption: "a cat" },
  ...{ initialiser: { kind: "caption", text: "cat" }, mode: "product", steps: 9, batch: 4, seed: 0 },
};

/** Every job begins, and is then refused. */
const refusing = {
  viewer: { user: { id: "me", name: "me" }, moderator: false },
  addPicture: async () => ({ key: "cat.png", width: 9, height: 9 }),
  bench: { library: { resolve: async () => word } },
  run: async (_: unknown, show: Parameters<Session["run"]>[1]) => {
    show({ type: "progress", stage: "describe", step: 0, total: 1 });
    throw new Error("refused");
  },
} as unknown as Session;

test.each([
  ["describe", describeCommand, ["test/pictures/held-out/teddy.png"]],
  ["explain", explainCommand, ["cat"]],
  ["relearn", conceptsCommand, ["relearn", "cat"]],
] as const)("on a terminal a refused %s ends: its bar does not go on drawing itself", async (_, commandOf, args) => {
  onTerminal();
  const run: Runner = async (command) => void (await command(refusing, new AbortController().signal));
  const command: Command = commandOf(run);
  await expect(command.parseAsync([...args], { from: "user" })).rejects.toThrow("refused");
  expect(vi.getTimerCount()).toBe(0);
});

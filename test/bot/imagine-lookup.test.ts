import type { ButtonInteraction } from "discord.js";
import { expect, test } from "vitest";
import type { BotContext } from "../../bot/command.ts";
import { imagine } from "../../bot/commands/imagine.ts";
import type { CallOptions } from "../../bot/function-client.ts";
import { type Route, routes } from "../../shared/api.ts";
import { UserError } from "../../shared/error.ts";

test("what Again looks up before its first answer takes two seconds altogether", async () => {
  let nowMs = 0;
  const input = { task: "imagine", prompt: "<pot> in space", negative: "" };
  /** A gateway that answers the first question at the last moment, and then no more. */
  const call = async (route: Route, _: unknown, { timeoutMs = 60_000 }: CallOptions) => {
    if (route === routes.readPrediction) {
      nowMs += timeoutMs - 300;
      return { input };
    }
    nowMs += timeoutMs;
    throw new UserError("unavailable", "Away.");
  };
  const context = { functions: { call }, clock: { now: () => nowMs } } as unknown as BotContext;
  const pressed = {
    ...{ user: { id: "1", username: "ada" }, guildId: null, member: null },
    message: { flags: { has: () => false } },
  } as unknown as ButtonInteraction;
  const again = imagine.buttons?.["imagine.again"]?.(pressed, ["j1"], context);
  await expect(again).rejects.toThrow("Away.");
  expect(nowMs).toBeLessThanOrEqual(2_000);
});

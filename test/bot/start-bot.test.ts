import { PermissionsBitField } from "discord.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commands } from "../../bot/commands/index.ts";
import { startBot } from "../../bot/main.ts";
import { secret } from "../http/test-gateway.ts";
import { commandsOf } from "../support/discord/commands-api.ts";
import { type Emulator, startEmulator } from "../support/discord/emulator.ts";

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

const configFor = (server?: string) => ({
  discordToken: emulator.world.botToken,
  ...(server === undefined ? {} : { discordServer: server }),
  discordApi: emulator.restUrl,
  attachmentOrigins: [],
  gatewayUrl: "http://127.0.0.1:1",
  signingSecret: secret,
});

const namesIn = (server: string | undefined) => commandsOf(emulator.world, server).map(({ form }) => form.name);

test("a bot that may not register its commands says why and leaves nothing connected", async () => {
  await expect(startBot(configFor("404404404404"), emulator.clock, () => {})).rejects.toMatchObject({
    code: "bad_config",
    message: expect.stringMatching(/^DISCORD_SERVER: .*Missing Access.*bring the bot into it: http\S+client_id=\d+/),
  });
  expect(emulator.gateway.intents, "it was connected").toHaveLength(1);
  await expect.poll(() => emulator.gateway.connections()).toBe(0);
});

test.each([
  ["a token that Discord does not know", { discordToken: "MTUz.wrong.token" }, "bad_config", /^DISCORD_TOKEN: /],
  ["no way to Discord", { discordApi: "http://127.0.0.1:1" }, "unavailable", /cannot be reached \(ECONNREFUSED\)/],
])("%s is told in words for whoever runs the bot", async (_, change, code, message) => {
  const started = startBot({ ...configFor(), ...change }, emulator.clock, () => {});
  await expect(started).rejects.toMatchObject({ name: "UserError", code, message: expect.stringMatching(message) });
});

test("the link that brings the bot into a server asks for commands and the rights it uses", async () => {
  const bot = await startBot(configFor(), emulator.clock, () => {});
  const { searchParams } = new URL(bot.invite);
  expect(searchParams.get("client_id")).toBe(emulator.world.applicationId);
  expect(searchParams.get("scope")).toBe("bot applications.commands");
  expect(new PermissionsBitField(BigInt(searchParams.get("permissions") ?? 0)).toArray().toSorted()).toEqual([
    "AttachFiles",
    "SendMessages",
    "SendMessagesInThreads",
    "ViewChannel",
  ]);
  await bot.stop();
});

test("tried out in one server and then started for all, every command is there once", async () => {
  const { id } = emulator.addGuild("Potting shed");
  const all = commands.map(({ data }) => data.name);
  const trial = await startBot(configFor(id), emulator.clock, () => {});
  await trial.stop();
  expect([namesIn(id), namesIn(undefined)]).toEqual([all, []]);
  const bot = await startBot(configFor(), emulator.clock, () => {});
  await expect.poll(() => namesIn(id)).toEqual([]);
  expect(namesIn(undefined)).toEqual(all);
  await bot.stop();
});

test("started for one server while registered for all, it takes nothing from the others and says what to do", async () => {
  const { id } = emulator.addGuild("Potting shed");
  const bot = await startBot(configFor(), emulator.clock, () => {});
  await bot.stop();
  const log: object[] = [];
  const trial = await startBot(configFor(id), emulator.clock, (event, fields) => void log.push({ event, ...fields }));
  const advice = expect.stringContaining("start without DISCORD_SERVER");
  await expect.poll(() => log).toContainEqual({ event: "commands appear twice", server: id, advice });
  expect(namesIn(undefined)).toHaveLength(commands.length);
  await trial.stop();
});

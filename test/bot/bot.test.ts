import { GatewayIntentBits, REST, Routes } from "discord.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { commands } from "../../bot/commands/index.ts";
import { customId, readCustomId } from "../../bot/custom-id.ts";
import { registerCommands } from "../../bot/register.ts";
import { commandsOf } from "../support/discord/commands-api.ts";
import { learnWord, type Server, type Studio, startStudio } from "./test-studio.ts";

let studio: Studio;
let server: Server;

beforeAll(async () => {
  studio = await startStudio();
});

beforeEach(() => {
  server = studio.newServer();
});

afterAll(() => studio.close());

const wanted = commands.map(({ data }) => data);

test("commands are registered by what differs: a second start creates and changes nothing", async () => {
  const { world } = studio.emulator;
  expect(commandsOf(world, undefined).map(({ form }) => form.name)).toEqual(wanted.map(({ name }) => name));
  const writes = () =>
    world.requests.filter(({ method, path }) => method !== "GET" && path.includes("/commands")).length;
  const before = writes();
  await studio.restartBot("released");
  expect(writes()).toBe(before);
  expect(world.commandCreatesMs).toHaveLength(wanted.length);
});

test("a changed command is replaced, one that is gone is removed, the rest is left alone", async () => {
  const { world, restUrl } = studio.emulator;
  const rest = new REST({ api: restUrl }).setToken(world.botToken);
  const versions = () =>
    Object.fromEntries(commandsOf(world, undefined).map(({ form, version }) => [form.name, version]));
  const before = versions();
  const changed = wanted.slice(1).map((data) => (data.name === "help" ? { ...data, description: "Help!" } : data));
  await registerCommands(rest, world.applicationId, undefined, changed, () => {});
  const after = versions();
  expect(Object.keys(after).sort()).toEqual(
    wanted
      .slice(1)
      .map(({ name }) => name)
      .sort(),
  );
  const touched = Object.keys(after).filter((name) => after[name] !== before[name]);
  expect(touched).toEqual(["help"]);
  await rest.put(Routes.applicationCommands(world.applicationId), { body: wanted });
});

test("the bot asks for no intent but Guilds", () => {
  expect(new Set(studio.emulator.gateway.intents)).toEqual(new Set([GatewayIntentBits.Guilds]));
});

test("a broken connection is resumed and nothing is lost", async () => {
  const ada = server.addMember("ada");
  const identified = studio.emulator.gateway.intents.length;
  studio.emulator.gateway.drop();
  await learnWord(ada, "pot");
  expect(studio.emulator.gateway.intents).toHaveLength(identified);
});

test("no request of a whole flow is refused by Discord", async () => {
  await learnWord(server.addMember("ada"), "pot");
  expect(studio.emulator.world.requests.filter(({ status }) => status >= 400)).toEqual([]);
});

test("custom ids are a verb and ids, and fit Discord's hundred characters", () => {
  expect(readCustomId(customId("learn.pick", "123", 2))).toEqual({ verb: "learn.pick", ids: ["123", "2"] });
  expect(() => customId("learn.pick", "x".repeat(100))).toThrow("111 characters");
});

test("every button and modal verb belongs to one command", () => {
  const verbs = commands.flatMap(({ buttons = {} }) => Object.keys(buttons));
  expect(new Set(verbs).size).toBe(verbs.length);
});

test("an unanswerable button of an older version is explained", async () => {
  const ada = server.addMember("ada");
  const learned = await learnWord(ada, "pot");
  const answer = await ada.forgePress(learned, "gone.long-ago:5");
  expect(answer.message()?.text).toContain("an older version of me");
});

test("when the gateway is away people are told to come back, and autocomplete is empty", async () => {
  const ada = server.addMember("ada");
  studio.breakGateway();
  expect(await ada.autocomplete("imagine", "prompt", "<")).toEqual([]);
  const answer = await ada.slash("concepts list");
  const told = await ada.until(() => answer.message()?.loading === false && answer.message());
  expect(told.text).toContain("try again in a minute");
});

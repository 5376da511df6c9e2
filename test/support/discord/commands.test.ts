import { expect, test } from "vitest";
import { call, emulator, expectForm, expectRefused, guild } from "./emulator-harness.ts";

const command = (name: string, more: object = {}) => ({ name, description: "d", ...more });
const put = (body: unknown) =>
  call("PUT", `/applications/${emulator.world.applicationId}/guilds/${guild.id}/commands`, body);
const add = (body: unknown) =>
  call("POST", `/applications/${emulator.world.applicationId}/guilds/${guild.id}/commands`, body);
const option = (name: string, more: object = {}) => ({ type: 3, name, description: "d", ...more });

test("names are lower case, of 1 to 32 letters, and once each", async () => {
  for (const name of ["Learn", "two words", "", "x".repeat(33), "a!"]) expectForm(await add(command(name)), "name");
  expectForm(await put([command("a"), command("a")]), "DUPLICATE_NAME");
});

test("a description has 1 to 100 characters", async () => {
  expectForm(await add(command("a", { description: "" })), "BASE_TYPE_BAD_LENGTH");
  expectForm(await add(command("a", { description: "x".repeat(101) })), "BASE_TYPE_BAD_LENGTH");
});

test("25 options, 25 choices, required ones first, names once", async () => {
  const many = Array.from({ length: 26 }, (_, index) => option(`o${index}`));
  expectForm(await add(command("a", { options: many })), "BASE_TYPE_BAD_LENGTH");
  const choices = Array.from({ length: 26 }, (_, index) => ({ name: `${index}`, value: `${index}` }));
  expectForm(await add(command("a", { options: [option("o", { choices })] })), "BASE_TYPE_BAD_LENGTH");
  expectForm(await add(command("a", { options: [option("o"), option("p", { required: true })] })), "REQUIRED_INVALID");
  expectForm(await add(command("a", { options: [option("o"), option("o")] })), "NAME_ALREADY_EXISTS");
});

test("an option has either choices or autocomplete", async () => {
  const both = option("o", { autocomplete: true, choices: [{ name: "a", value: "a" }] });
  expectForm(await add(command("a", { options: [both] })), "CHOICES_AUTOCOMPLETE");
  expectForm(await add(command("a", { options: [option("o", { type: 5, autocomplete: true })] })), "errors");
});

test("a command has 8,000 characters in all", async () => {
  const options = Array.from({ length: 4 }, (_, number) =>
    option(`o${number}`, {
      choices: Array.from({ length: 25 }, (_, index) => ({
        name: `${index}`.padEnd(50),
        value: `${index}`.padEnd(50),
      })),
    }),
  );
  expectForm(await add(command("a", { options })), "APPLICATION_COMMAND_TOO_LARGE");
});

test("a context menu entry has no description and no options", async () => {
  expectForm(await add({ type: 3, name: "Learn this", description: "no" }), "description");
  expect((await add({ type: 3, name: "Learn this" })).status).toBe(201);
});

test("100 slash commands and 15 message commands are the most", async () => {
  expectRefused(await put(Array.from({ length: 101 }, (_, index) => command(`c${index}`))), 400, 30032);
  expectRefused(await put(Array.from({ length: 16 }, (_, index) => ({ type: 3, name: `c${index}` }))), 400, 30032);
});

test("200 creations a day are the most; replacing a command is none", async () => {
  const hundred = (prefix: string) => Array.from({ length: 100 }, (_, index) => command(`${prefix}${index}`));
  for (const prefix of ["a", "b", "b"]) {
    expect((await put(hundred(prefix))).status).toBe(200);
    emulator.clock.advance(60_000);
  }
  expectRefused(await put(hundred("c")), 429, 30034);
  emulator.clock.advance(24 * 60 * 60_000);
  expect((await put(hundred("c"))).status).toBe(200);
});

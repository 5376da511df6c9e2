import { expect, test } from "vitest";
import type { Answer, Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import { ada, ben } from "./studio-harness.ts";
import { learnWord, share } from "./test-studio.ts";

const settled = (member: Member, answer: Answer): Promise<SeenMessage> =>
  member.until(() => answer.message()?.loading === false && answer.message());

const concepts = async (member: Member, subcommand: string, name?: string) =>
  settled(member, await member.slash(`concepts ${subcommand}`, name === undefined ? {} : { name }));

async function forget(member: Member, name: string): Promise<SeenMessage> {
  const pressed = await member.press(await concepts(member, "delete", name), "Forget it");
  return member.until(() => pressed.message()?.text.includes("Forgotten") && pressed.message());
}

test("a deleted word comes back by a command, long after the card with Undo is gone", async () => {
  await learnWord(ada, "pot");
  const card = await forget(ada, "pot");
  expect(card.text).toContain("until then *Undo* or `/concepts restore` brings it back");
  expect((await concepts(ada, "list")).text).toContain("No words yet");

  expect(await ada.autocomplete("concepts restore", "name", "p")).toEqual([
    { name: "pot (a red object)", value: "pot" },
  ]);
  expect(await ada.autocomplete("concepts restore", "name", "q")).toEqual([]);
  expect(await ada.autocomplete("concepts delete", "name", "p")).toEqual([]);
  expect(await concepts(ada, "restore", "pot")).toMatchObject({ ephemeral: true, text: "`<pot>` is back." });
  expect((await concepts(ada, "list")).text).toContain("`<pot>`");
  expect((await concepts(ada, "restore", "pot")).text).toContain("You deleted no word `<pot>` in the last seven days");
});

test("of two deleted under one name the last comes back first, and a shared one is shared again", async () => {
  await learnWord(ada, "pot");
  await forget(ada, "pot");
  await share(ada, await learnWord(ada, "pot"));
  await forget(ada, "pot");
  expect((await concepts(ben, "list")).text).toContain("No words yet");
  expect(await ada.autocomplete("concepts restore", "name", "")).toHaveLength(1);
  expect((await concepts(ada, "restore", "pot")).text).toBe("`<pot>` is back, shared as before.");
  expect((await concepts(ben, "list")).text).toContain("`<pot>`");
  expect((await concepts(ada, "restore", "pot")).text).toBe("`<pot-2>` is back.");
});

test("nobody else is offered or given what one deleted", async () => {
  await share(ada, await learnWord(ada, "pot"));
  await forget(ada, "pot");
  expect(await ben.autocomplete("concepts restore", "name", "")).toEqual([]);
  expect((await concepts(ben, "restore", "pot")).text).toContain("You deleted no word");
});

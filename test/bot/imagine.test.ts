import { PermissionFlagsBits } from "discord.js";
import { expect, test } from "vitest";
import { listAll } from "../../functions/store/store.ts";
import { escapeHtml, markdownToHtml } from "../support/discord/markdown.ts";
import type { Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import { ada, ben, server, studio } from "./studio-harness.ts";
import { learnWord, says, saysLater, share } from "./test-studio.ts";

async function draw(
  member: Member,
  prompt: string,
  more: Record<string, string | number | boolean> = {},
): Promise<SeenMessage> {
  const answer = await member.slash("imagine", { prompt, ...more });
  return member.until(() => {
    const message = answer.message();
    return message !== undefined && !message.loading && !message.text.includes("Drawing…") && message;
  });
}

test("/imagine without a learned word draws for everybody", async () => {
  const drawn = await draw(ada, "a red mug on a table");
  expect(drawn.ephemeral).toBe(false);
  expect(drawn.pictures).toHaveLength(4);
  expect(drawn.text).toContain("seed 42");
  expect(ben.see().map(({ id }) => id)).toEqual([drawn.id]);
});

test("a private word draws in private, a shared one for all, and another member may use it", async () => {
  const learned = await learnWord(ada, "pot");
  expect((await draw(ada, "<pot> in space")).ephemeral).toBe(true);
  expect((await draw(ada, "space", { negative: "<pot>" })).ephemeral, "nor is it told what it looks unlike").toBe(true);
  const refused = await draw(ben, "<pot> in space");
  expect(refused.ephemeral).toBe(true);
  expect(refused.text).toContain("I do not know \\<pot>");
  await share(ada, learned);
  const drawn = await draw(ben, "<pot> in space", { pictures: 2, seed: 7 });
  expect(drawn.ephemeral).toBe(false);
  expect(drawn.pictures).toHaveLength(2);
  expect(drawn.text).toMatch(/by ada.*seed 7/s);
});

test("a word that is shared in one server alone draws in private everywhere else", async () => {
  await share(ada, await learnWord(ada, "pot"));
  const elsewhere = studio.newServer();
  const guest = elsewhere.welcome(ada);
  const eve = elsewhere.addMember("eve");
  const drawn = await draw(guest, "<pot> in space");
  expect(drawn.ephemeral).toBe(true);
  const answer = await guest.press(drawn, "Again");
  const again = await guest.until(() => answer.message()?.text.includes("seed 42") && answer.message());
  expect(again.ephemeral).toBe(true);
  expect(eve.see()).toEqual([]);
  expect(await guest.autocomplete("imagine", "prompt", "<po")).toEqual([
    { name: "<pot> (yours, private: a red object)", value: "<pot> " },
  ]);
});

test("an owner's name may be written in capitals, as the gateway reads it", async () => {
  await share(ada, await learnWord(ada, "pot"));
  const drawn = await draw(ben, "<Ada/pot> in space");
  expect(drawn.ephemeral).toBe(false);
  expect(drawn.text).toContain("by ada");
});

test("a blend draws with concepts and plain words, in private while one of its concepts is, and says what is wrong with it", async () => {
  await learnWord(ada, "pot");
  const drawn = await draw(ada, "<pot*0.6+red dragon*0.4> in space");
  expect(drawn.ephemeral).toBe(true);
  expect(drawn.text).toContain("pot\\*0.6+red dragon\\*0.4");
  expect((await draw(ada, "<cat+dragon>")).ephemeral).toBe(false);
  const refused = await draw(ada, "<pot*0.6+dragon>");
  expect(refused.ephemeral).toBe(true);
  expect(refused.text).toContain("give every part of a blend a share, or none");
});

test("autocomplete completes the name being typed with the words one sees, and never another's private ones", async () => {
  const learned = await learnWord(ada, "pot");
  await learnWord(ben, "potato");
  const values = async (member: Member, typed: string) =>
    (await member.autocomplete("imagine", "prompt", typed)).map(({ value }) => value);
  expect(await values(ada, "a <po")).toEqual(["a <pot> "]);
  expect(await values(ben, "a <po")).toEqual(["a <potato> "]);
  expect(await values(ben, "a <pott")).toEqual([]);
  await share(ada, learned);
  expect(await values(ben, "a <PO")).toEqual(["a <potato> ", "a <pot> "]);
  expect(await values(ben, "")).toEqual(["<potato> ", "<pot> "]);
  expect(await values(ben, `${"long ".repeat(19)}<p`), "values have at most 100 characters").toEqual([]);
});

test("autocomplete writes whose word it is where two people share one name, and each draws that one", async () => {
  await share(ben, await learnWord(ben, "pot"));
  await share(ada, await learnWord(ada, "pot"));
  const values = async (member: Member) =>
    (await member.autocomplete("imagine", "prompt", "a <po")).map(({ value }) => String(value));
  expect(await values(ben)).toEqual(["a <pot> ", "a <ada/pot> "]);
  const eve = server.addMember("eve");
  const offered = await values(eve);
  expect(offered).toEqual(["a <ada/pot> ", "a <ben/pot> "]);
  const credits = [];
  for (const value of offered) credits.push((await draw(eve, `${value}in space`)).text);
  expect(credits).toEqual([expect.stringContaining("by ada"), expect.stringContaining("by ben")]);
});

test("a prompt that cannot be read is explained at once", async () => {
  const answer = await ada.slash("imagine", { prompt: "a <two words> cat" });
  expect(answer.message()?.ephemeral).toBe(true);
  const html = markdownToHtml(answer.message()?.text ?? "", () => "somebody");
  expect(html).toContain(escapeHtml("<two words>: expected <name>, <owner/name> or <name:strength>"));
  expect(html).toContain(escapeHtml("write \\< where you mean a plain <"));
  expect(studio.runs).toEqual([]);
});

test("a prompt of blanks is answered with what to write", async () => {
  const answer = await ada.slash("imagine", { prompt: "   " });
  await ada.until(() =>
    answer.message()?.text.includes("Expected words for what to draw, got only blanks. Write some"),
  );
  expect(answer.message()?.ephemeral).toBe(true);
});

test("Again on pictures whose job has expired says so and what to do", async () => {
  const drawn = await draw(ada, "a red mug");
  const id = drawn.buttons[0]?.customId?.split(":")[1];
  for await (const { key } of listAll(studio.gateway.store, `jobs/${id}/`)) await studio.gateway.store.delete(key);
  const answer = await ada.press(drawn, "Again");
  await ada.until(() => answer.message()?.text.includes("I keep that for 7 days, and it is gone: run `/imagine`"));
  expect(answer.message()?.ephemeral).toBe(true);
  expect(answer.message()?.text).not.toContain(id);
});

test("Again draws anew in a message of its own; only the person whose picture it is may press it", async () => {
  const drawn = await draw(ada, "a red mug");
  const answer = await ada.press(drawn, "Again");
  const again = await ada.until(() => answer.message()?.text.includes("a red mug") && answer.message());
  expect(again.id).not.toBe(drawn.id);
  const refused = await ben.press(drawn, "Again");
  expect(refused.message()?.text).toContain(`These buttons are for <@${ada.id}>`);
  expect(refused.message()?.ephemeral).toBe(true);
  expect(studio.runs).toHaveLength(2);
});

test("where the person or the bot may not post pictures, the answer is private", async () => {
  studio.emulator.deny(server.channel, PermissionFlagsBits.AttachFiles, ada.id);
  expect((await draw(ada, "a red mug")).ephemeral).toBe(true);
  studio.emulator.deny(server.channel, PermissionFlagsBits.SendMessages);
  expect((await draw(ben, "a red mug")).ephemeral).toBe(true);
  expect((await draw(ben, "a red mug", { "only-me": true })).ephemeral).toBe(true);
});

test("Cancel of a public picture is its owner's alone", async () => {
  studio.door.shut();
  const answer = await ada.slash("imagine", { prompt: "a red mug" });
  const running = await ada.until(() => answer.message()?.text.includes("Drawing…") && answer.message());
  expect((await ben.press(running, "Cancel")).message()?.text).toContain("These buttons are for");
  await ada.press(running, "Cancel");
  await saysLater(studio, ben, running.id, "Canceled");
});

test("a public picture that takes longer than fifteen minutes still arrives in its message", async () => {
  studio.door.shut();
  const answer = await ada.slash("imagine", { prompt: "a red mug" });
  const running = await ada.until(() => answer.message()?.text.includes("Drawing…") && answer.message());
  studio.clock.advance(15 * 60_000);
  studio.door.open();
  expect((await says(ben, running.id, "seed 42")).pictures).toHaveLength(4);
  expect(ada.inbox()).toEqual([]);
});

test("pictures for a thread that is archived meanwhile come by direct message", async () => {
  studio.door.shut();
  const answer = await ada.slash("imagine", { prompt: "a red mug" });
  await ada.until(() => answer.message()?.text.includes("Drawing…"));
  server.channel.archived = true;
  studio.door.open();
  const ticking = setInterval(() => studio.clock.advance(2_000), 100);
  const direct = await ada.until(() => ada.inbox().find(({ text }) => text.includes("seed 42")));
  clearInterval(ticking);
  expect(direct.pictures).toHaveLength(4);
  expect(ada.inbox()).toHaveLength(1);
  expect(ben.see()).toHaveLength(1);
});

test("a bot that crashed while drawing leaves a message that its successor finishes, once", async () => {
  studio.door.shut();
  const answer = await ada.slash("imagine", { prompt: "a red mug" });
  const running = await ada.until(() => answer.message()?.text.includes("Drawing…") && answer.message());
  await studio.restartBot("crashed");
  studio.door.open();
  for (let round = 0; round < 5; round++) {
    studio.clock.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  expect((await says(ada, running.id, "seed 42")).pictures).toHaveLength(4);
  expect(ada.see()).toHaveLength(1);
});

import { PermissionFlagsBits } from "discord.js";
import { expect, test } from "vitest";
import { createMember, type Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import type { Channel } from "../support/discord/world.ts";
import { ada, ben, server, studio } from "./studio-harness.ts";
import { learnWord, share } from "./test-studio.ts";

const { AttachFiles, SendMessages, SendMessagesInThreads } = PermissionFlagsBits;

type Answered = Awaited<ReturnType<Member["slash"]>>;

const drawn = (member: Member, answer: Answered): Promise<SeenMessage> =>
  member.until(() => answer.message()?.text.includes("seed 42") && answer.message());

const draw = async (member: Member, prompt = "a red mug", more: Record<string, boolean> = {}) =>
  drawn(member, await member.slash("imagine", { prompt, pictures: 1, ...more }));

/** The same person, in another channel. */
const inside = (channel: Channel, { id }: Member) => createMember(studio.emulator.world, id, channel);

test("Again posts nothing in public for somebody who may not write there any more, and says why", async () => {
  const first = await draw(ada);
  expect(first.ephemeral).toBe(false);
  studio.emulator.deny(server.channel, SendMessages, ada.id);
  const again = await drawn(ada, await ada.press(first, "Again"));
  expect(again.ephemeral).toBe(true);
  expect(again.text).toContain("Only you see this, because you may not post pictures here.");
  expect(ben.see().map(({ id }) => id)).toEqual([first.id]);
});

test("in a thread the right to write in threads counts, and no other", async () => {
  const { emulator } = studio;
  const thread = emulator.addThread(server.channel, "mugs");
  emulator.deny(server.channel, SendMessages);
  emulator.deny(server.channel, SendMessages, ada.id);
  const inThread = await draw(inside(thread, ada));
  expect([inThread.ephemeral, inThread.text]).toEqual([false, expect.not.stringContaining("Only you see this")]);
  expect((await draw(ada)).ephemeral).toBe(true);
  emulator.deny(thread, SendMessagesInThreads, ben.id);
  expect((await draw(inside(thread, ben))).text).toContain("because you may not post pictures here");
  emulator.deny(thread, SendMessagesInThreads);
  expect((await draw(inside(thread, ada))).text).toContain("because I may not post pictures here");
});

test("in a thread that the bot is not told of, both rights are needed", async () => {
  const hidden = { ...server.channel, id: studio.emulator.world.nextId(), parentId: server.channel.id };
  studio.emulator.world.channels.set(hidden.id, hidden);
  expect((await draw(inside(hidden, ada))).ephemeral).toBe(false);
  studio.emulator.deny(hidden, SendMessages, ada.id);
  expect((await draw(inside(hidden, ada))).ephemeral).toBe(true);
});

test("sharing is not announced for somebody who may not write there, and still shares", async () => {
  const learned = await learnWord(ada, "pot");
  studio.emulator.deny(server.channel, SendMessages, ada.id);
  await ada.press(learned, "Share with the server");
  const told = await ada.until(() => ada.see().find(({ text }) => text.includes("`<pot>` is shared here")));
  expect(told.ephemeral).toBe(true);
  expect(told.text).toContain("Only you see this, because you may not write here.");
  expect(ben.see()).toEqual([]);
  expect((await draw(ben, "<pot>")).ephemeral).toBe(false);
});

test("the news of sharing needs no right to attach files", async () => {
  studio.emulator.deny(server.channel, AttachFiles, ada.id);
  await share(ada, await learnWord(ada, "pot"));
});

test("pictures of a private word say that the word is why; who asked to see them alone is told nothing", async () => {
  await learnWord(ada, "pot");
  const own = await draw(ada, "<pot>");
  expect([own.ephemeral, own.text]).toEqual([
    true,
    expect.stringContaining("Only you see this, because `<pot>` is not shared with this server."),
  ]);
  const asked = await draw(ada, "a mug", { "only-me": true });
  expect([asked.ephemeral, asked.text]).toEqual([true, expect.not.stringContaining("Only you see this")]);
});

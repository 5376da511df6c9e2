import { PermissionFlagsBits } from "discord.js";
import { expect, test } from "vitest";
import { ada, answer, call, channel, emulator, expectRefused, guild, interact, post } from "./emulator-harness.ts";

test("a channel that the bot may not see is 50001", async () => {
  emulator.deny(channel, PermissionFlagsBits.ViewChannel);
  expectRefused(await post({ content: "x" }), 403, 50001);
});

test("a channel where the bot may not write, or attach, is 50013", async () => {
  emulator.deny(channel, PermissionFlagsBits.AttachFiles);
  expectRefused(await post({ content: "x" }, { "a.png": 1 }), 403, 50013);
  emulator.deny(channel, PermissionFlagsBits.SendMessages);
  expectRefused(await post({ content: "x" }), 403, 50013);
});

test("closed direct messages are 50007", async () => {
  const dm = await call("POST", "/users/@me/channels", { recipient_id: ada.id });
  const path = `/channels/${dm.json["id"]}/messages`;
  expect((await call("POST", path, { content: "hello" })).status).toBe(200);
  const user = emulator.world.users.get(ada.id);
  if (user) user.closedToDirectMessages = true;
  expectRefused(await call("POST", path, { content: "hello?" }), 403, 50007);
});

test("an ephemeral message is unknown to the bot's own token and to other members", async () => {
  const ben = emulator.addMember(guild, channel, "ben");
  const interaction = interact();
  await answer(interaction, { type: 4, data: { content: "secret", flags: 64 } });
  const id = emulator.world.interactions.get(interaction.id)?.originalId;
  expectRefused(await call("PATCH", `/channels/${channel.id}/messages/${id}`, { content: "x" }), 404, 10008);
  expectRefused(await call("GET", `/channels/${channel.id}/messages/${id}`), 404, 10008);
  expect([ada.see().length, ben.see().length]).toEqual([1, 0]);
});

test("somebody else's message cannot be edited: 50005", async () => {
  const { id } = ada.post("mine");
  expectRefused(await call("PATCH", `/channels/${channel.id}/messages/${id}`, { content: "x" }), 403, 50005);
});

test("a wrong bot token is 401, an unknown channel 10003", async () => {
  expectRefused(await call("GET", "/users/@me", undefined, undefined, "no"), 401, 0);
  expectRefused(await call("POST", "/channels/5/messages", { content: "x" }), 404, 10003);
});

import { PermissionFlagsBits } from "discord.js";
import { expect, test } from "vitest";
import type { ConceptMeta } from "../../shared/concept.ts";
import type { Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import { memberPermissions } from "../support/discord/world.ts";
import { ada, ben, server, studio } from "./studio-harness.ts";
import { learnWord } from "./test-studio.ts";

async function concepts(member: Member, subcommand: string, name?: string): Promise<SeenMessage> {
  const answer = await member.slash(`concepts ${subcommand}`, name === undefined ? {} : { name });
  return member.until(() => answer.message()?.loading === false && answer.message());
}

const offered = async (member: Member, subcommand: string, typed = "") =>
  (await member.autocomplete(`concepts ${subcommand}`, "name", typed)).map(({ value }) => value);

/** Puts a private word into the library, as learning it would. */
function save(member: Member, name: string): Promise<ConceptMeta> {
  const owner = { id: member.id, name: member.name };
  const meta = {
    ...{ id: `${member.id}-${name}`, version: 1, name, owner, scopeId: member.id },
    scope: "private",
    initialiser: { kind: "caption", text: "" },
    baseModel: { id: "scripted", hash: "0" },
    ...{ tokens: 1, width: 4, templates: "", steps: 1, seed: 0, loss: [], licence: "", versions: [] },
    created: new Date().toISOString(),
  } satisfies ConceptMeta;
  return studio.gateway.library.save({ meta, rows: { dtype: "f32", shape: [1, 4], data: new Float32Array(4) } });
}

test("the eleventh word, which has no button, is shared and taken back by commands, and the list says how it stands", async () => {
  for (const letter of "abcdefghij") await save(ada, `word-${letter}`);
  await learnWord(ada, "word-k");
  const before = await concepts(ada, "list");
  expect(before.text).toContain(
    "\n-# and private: `<word-k>`\n-# `/concepts share` and `/concepts unshare` change that",
  );
  expect(before.buttons.map(({ label }) => label)).toEqual(Array(10).fill("Share"));

  expect(await offered(ada, "share", "word-k")).toEqual(["word-k"]);
  expect(await offered(ada, "unshare")).toEqual([]);
  expect(await concepts(ada, "share", "word-k")).toMatchObject({ ephemeral: true, text: "`<word-k>` is shared here." });
  const news = await ben.until(() => ben.see()[0]);
  expect(news.text).toMatch(/\*\*ada\*\* shares a new word: `<word-k>`.*`\/imagine prompt:<word-k> in space`/s);
  expect((await concepts(ada, "share", "<word-k>")).text).toContain("`<word-k>` is shared here already");
  expect((await concepts(ada, "list")).text).toContain("\n-# and shared: `<word-k>`\n");
  expect((await concepts(ben, "list")).text).toContain("`<word-k>`");

  expect(await offered(ada, "share", "word-k")).toEqual([]);
  expect(await offered(ada, "unshare")).toEqual(["word-k"]);
  expect((await concepts(ada, "unshare", "word-k")).text).toContain("`<word-k>` is private again: only you can use it");
  expect((await concepts(ada, "unshare", "word-k")).text).toBe("`<word-k>` is private already.");
  expect((await concepts(ben, "list")).text).toContain("No words yet");
  expect(ben.see().filter(({ text }) => text.includes("shares a new word"))).toHaveLength(1);
});

test("/concepts share of a word that is not one's own, or where one may not write, tells nobody else", async () => {
  await save(ada, "pot");
  expect((await concepts(ben, "share", "pot")).text).toContain("You have no word `<pot>`");
  studio.emulator.deny(server.channel, PermissionFlagsBits.SendMessages, ada.id);
  expect((await concepts(ada, "share", "pot")).text).toMatch(
    /`<pot>` is shared here: .*because you may not write here/s,
  );
  expect(ben.see().filter(({ ephemeral }) => !ephemeral)).toEqual([]);
});

const addMember = (name: string, more: bigint) =>
  studio.emulator.addMember(server.guild, server.channel, name, { permissions: memberPermissions | more });

test.each([
  ["may time out members", PermissionFlagsBits.ModerateMembers],
  ["may manage the server", PermissionFlagsBits.ManageGuild],
])(
  "who %s takes somebody's word out of the server, where it stays out until they let its owner share it again",
  async (_, right) => {
    const mod = addMember("mod", right);
    await save(ben, "slur");
    await concepts(ben, "share", "slur");
    await save(ben, "secret");
    await save(mod, "slug");
    expect((await concepts(mod, "list")).text).toContain("take one out of this server: `/concepts unshare`");
    expect((await concepts(ada, "list")).text).not.toContain("/concepts unshare");
    expect((await concepts(mod, "unshare", "slur")).text).toContain("somebody else's as `owner/name`");
    for (const typed of ["", "sl", "ben/", "<Be/slu"])
      expect(await offered(mod, "unshare", typed)).toEqual(["ben/slur"]);
    expect(await offered(mod, "delete")).toEqual(["slug"]);
    const told = await concepts(mod, "unshare", "ben/slur");
    expect(told.ephemeral).toBe(true);
    expect(told.text).toMatch(
      /^`<ben\/slur>` is out of this server: nobody but ben can use it, and ben cannot share it here again until a moderator/,
    );
    expect((await concepts(ada, "list")).text).toContain("No words yet");
    expect((await concepts(ben, "list")).text).toMatch(/`<slur>`.*private/);
    expect((await concepts(ben, "share", "slur")).text).toContain(
      "A moderator took \\<slur> out of this server. It stays",
    );
    expect(await offered(ben, "share", "sl")).toEqual(["slur"]);
    expect(await offered(mod, "share", "sl")).toEqual(["slug", "ben/slur"]);
    expect((await concepts(mod, "share", "ben/secret")).text).toContain("No moderator took a word `<ben/secret>` out");
    const letIn = await concepts(mod, "share", "ben/slur");
    expect(letIn.ephemeral).toBe(true);
    expect(letIn.text).toBe("ben can share `<ben/slur>` here again. Until then nobody else here can use it.");
    await concepts(ben, "share", "ben/slur");
    expect((await concepts(ada, "list")).text).toContain("`<slur>`");
    expect((await concepts(mod, "share", "<mod/slug>")).text, "one's own").toBe("`<slug>` is shared here.");
  },
);

test("nobody else takes a word out: not a member, not with Manage Messages, and no moderator of another server", async () => {
  await save(ben, "mug");
  await concepts(ben, "share", "mug");
  const elsewhere = studio.newServer();
  const { emulator } = studio;
  const stranger = emulator.addMember(elsewhere.guild, elsewhere.channel, "eve", {
    permissions: memberPermissions | PermissionFlagsBits.ManageGuild,
  });
  for (const member of [ada, addMember("tidy", PermissionFlagsBits.ManageMessages)]) {
    expect(await offered(member, "unshare")).toEqual([]);
    expect((await concepts(member, "unshare", "ben/mug")).text).toMatch(/^🔒 \\<mug> belongs to ben/);
  }
  expect((await concepts(stranger, "unshare", "ben/mug")).text).toContain("Nobody has shared a word `<ben/mug>` here");
  expect((await concepts(ada, "list")).text).toContain("`<mug>`");
});

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { blendConcept } from "../../functions/concepts/blend-concept.ts";
import { listAll } from "../../functions/store/store.ts";
import { routes } from "../../shared/api.ts";
import type { ConceptMeta } from "../../shared/concept.ts";
import { person } from "../http/test-gateway.ts";
import { createFaultyStore, createMemoryStore, type Fault } from "../jobs/memory-store.ts";
import type { Answer, Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import { learnWord, type Server, type Studio, share, startStudio } from "./test-studio.ts";

const plan: Fault[] = [];
let studio: Studio;
let server: Server;
let ada: Member;
let ben: Member;

beforeAll(async () => {
  studio = await startStudio({ store: createFaultyStore(createMemoryStore(), plan) });
});

beforeEach(() => {
  server = studio.newServer();
  ada = server.addMember("ada");
  ben = server.addMember("ben");
});

afterAll(() => studio.close());

const settled = (member: Member, answer: Answer): Promise<SeenMessage> =>
  member.until(() => answer.message()?.loading === false && answer.message());

const list = async (member: Member) => settled(member, await member.slash("concepts list"));

const askForget = async (member: Member) => settled(member, await member.slash("concepts forget-me"));

const ask = async (member: Member, name: string) => settled(member, await member.slash("concepts delete", { name }));

test("/concepts list shows one's own words with a button each, and what others have shared", async () => {
  expect((await list(ada)).text).toContain("No words yet");
  await learnWord(ada, "pot");
  const own = await list(ada);
  expect(own.ephemeral).toBe(true);
  expect(own.text).toMatch(/`<pot>`.*private/);
  await share(ada, own, "Share");
  expect(ben.see()[0]?.text).toContain("shares a new word: `<pot>`");
  expect((await list(ada)).text).toMatch(/`<pot>`.*shared/);
  const theirs = await list(ben);
  expect(theirs.text).toMatch(/Shared with you.*`<pot>`.*ada/s);
  expect(theirs.buttons).toEqual([]);
});

test("/concepts list of very many words tells as many as a message takes, and how many more there are", async () => {
  const caption = "a thing that looks ".repeat(4);
  const save = (member: Member, index: number, name: string) => {
    const owner = { id: member.id, name: member.name };
    const meta = {
      ...{ id: `${member.id}-${index}`, version: 1, name, owner, scopeId: member.id, caption },
      scope: "private",
      initialiser: { kind: "caption", text: "" },
      baseModel: { id: "scripted", hash: "0" },
      ...{ tokens: 1, width: 4, templates: "", steps: 1, seed: 0, loss: [], licence: "", versions: [] },
      created: new Date().toISOString(),
    } satisfies ConceptMeta;
    return studio.gateway.library.save({ meta, rows: { dtype: "f32", shape: [1, 4], data: new Float32Array(4) } });
  };
  for (let index = 0; index < 40; index++) {
    if (index < 12) await save(ada, index, `one-of-my-words-${index}`);
    const { id } = await save(ben, index, `a-shared-word-${index}`);
    await studio.gateway.call(person(ben.id, server.guild.id), routes.shareConcept, id, { scope: "server" });
  }
  const { text, buttons } = await list(ada);
  expect(text).toMatch(
    /### Your words\n.*\n-# and private: `<one-of-my-words-\d+>` `<one-of-my-words-\d+>`\n-# .*\n### Shared with you\n/s,
  );
  const [, shared = "", more] = /Shared with you\n(.*)\n-# and (\d+) more$/s.exec(text) ?? [];
  expect(shared).toMatch(/^(`<a-shared-word-\d+>` a thing .*… · ben\n?)+$/);
  expect(shared.split("\n").length + Number(more)).toBe(40);
  expect(buttons).toHaveLength(10);
});

test("of two words of one name each is told with what draws it, in the news and in the list", async () => {
  await share(ada, await learnWord(ada, "pot"));
  await ben.press(await learnWord(ben, "pot"), "Share with the server");
  const eve = server.addMember("eve");
  const news = await eve.until(() => eve.see().find(({ text }) => text.includes("**ben** shares")));
  expect(news.text).toMatch(/a new word: `<ben\/pot>`.*`\/imagine prompt:<ben\/pot> in space`/s);
  expect((await list(eve)).text).toMatch(/`<ada\/pot>`.*· ada\n`<ben\/pot>`.*· ben/);
});

test("pressed again, even at once, Share tells nobody again", async () => {
  const learned = await learnWord(ada, "pot");
  for (const pressed of await Promise.all([1, 2, 3].map(() => ada.press(learned, "Share with the server")))) {
    expect(pressed.message()?.id).toBe(learned.id);
  }
  await ada.until(() => ada.see().filter(({ text }) => text.includes("`<pot>` is shared here already")).length === 2);
  expect(ben.see().map(({ text }) => text)).toEqual([expect.stringContaining("shares a new word: `<pot>`")]);
});

test("a shared word can be taken back", async () => {
  await learnWord(ada, "pot");
  await share(ada, await list(ada), "Share");
  await ada.press(await list(ada), "Unshare");
  const answer = await ada.until(() => ada.see().find(({ text }) => text.includes("`<pot>` is private again")));
  expect(answer.ephemeral).toBe(true);
  expect((await list(ben)).text).toContain("No words yet");
});

test("a word of one's own that is shared in another server is offered for sharing here, which moves it", async () => {
  await share(ada, await learnWord(ada, "pot"));
  const elsewhere = studio.newServer();
  const guest = elsewhere.welcome(ada);
  const own = await list(guest);
  expect(own.text).toMatch(/`<pot>`.*shared in another server/);
  expect(own.buttons.map(({ label }) => label)).toEqual(["Share"]);
  await share(guest, own, "Share");
  expect((await list(guest)).text).toMatch(/`<pot>`.*shared$/);
  expect((await list(ben)).text).toContain("No words yet");
});

test("/concepts delete asks, forgets, and can be undone", async () => {
  await learnWord(ada, "pot");
  expect(await ada.autocomplete("concepts delete", "name", "p")).toEqual([
    { name: "pot (a red object)", value: "pot" },
  ]);
  const question = await ask(ada, "pot");
  const gone = await ada.press(question, "Forget it");
  const forgotten = await ada.until(() => gone.message()?.text.includes("Forgotten") && gone.message());
  expect((await list(ada)).text).toContain("No words yet");
  const undone = await ada.press(forgotten, "Undo");
  await ada.until(() => undone.message()?.text.includes("is back"));
  expect((await list(ada)).text).toContain("`<pot>`");
});

test("/concepts forget-me tells what goes, erases all of one's own, and touches nobody else's", async () => {
  await share(ada, await learnWord(ada, "pot"));
  await learnWord(ada, "pan");
  await learnWord(ada, "jug");
  await learnWord(ben, "mug");
  await ada.press(await ask(ada, "jug"), "Forget it");
  const question = await askForget(ada);
  expect(question.ephemeral).toBe(true);
  expect(question.text).toMatch(/\*\*2 words\*\*.*Servers.*lose it.*cannot be undone.*Not erased/s);
  expect(question.buttons.map(({ label }) => label)).toEqual(["Erase everything", "Cancel"]);
  const kept = await ada.press(question, "Cancel");
  await ada.until(() => kept.message()?.text === "Nothing was erased.");
  expect((await list(ada)).text).toContain("`<pan>`");

  const erased = await ada.press(await askForget(ada), "Erase everything");
  const told = await ada.until(() => erased.message()?.text.includes("Erased") && erased.message());
  expect(told.text).toMatch(/I removed \d+ stored files and have no words of yours any more/);
  expect(told.buttons).toEqual([]);
  expect((await list(ada)).text).toContain("No words yet");
  const theirs = (await list(ben)).text;
  expect(theirs).toContain("`<mug>`");
  expect(theirs).not.toContain("`<pot>`");

  const again = await askForget(ada);
  expect(again.text).toMatch(/\*\*no words\*\*/);
  const nothing = await ada.press(again, "Erase everything");
  await ada.until(() => nothing.message()?.text === "There was nothing to erase.");
});

test("/concepts forget-me tells what the store held on to, and erases it when pressed again", async () => {
  const [id = ""] = (await learnWord(ada, "pot")).buttons[0]?.customId?.split(":").slice(1) ?? [];
  await learnWord(ada, "pan");
  plan.push({ method: "delete", key: new RegExp(`${id}/1\\.safetensors`), times: 1 });
  const erased = await ada.press(await askForget(ada), "Erase everything");
  const left = await ada.until(() => erased.message()?.text.includes("⚠️") && erased.message());
  expect(left.text).toMatch(/I removed \d+ stored files, 1 could not be removed\. Press again/);
  const rest = await ada.press(left, "Erase the rest");
  await ada.until(() => rest.message()?.text.includes("Erased"));
  expect(await Array.fromAsync(listAll(studio.gateway.store, `concepts/${id}/`))).toEqual([]);
});

test("/concepts forget-me can be asked and erases everything where a word's record is damaged", async () => {
  const [id = ""] = (await learnWord(ada, "pot")).buttons[0]?.customId?.split(":").slice(1) ?? [];
  await learnWord(ada, "pan");
  await studio.gateway.store.put(`concepts/${id}/meta.json`, new Uint8Array());
  expect((await list(ada)).text).toContain("`<pan>`");
  const erased = await ada.press(await askForget(ada), "Erase everything");
  await ada.until(() => erased.message()?.text.includes("Erased"));
  expect(await Array.fromAsync(listAll(studio.gateway.store, `owners/${ada.id}/`))).toEqual([]);
  expect(await Array.fromAsync(listAll(studio.gateway.store, `concepts/${id}/`))).toEqual([]);
});

test("Info and /concepts info show, to whoever asks alone, what a word is near to and where it looks", async () => {
  const learned = await learnWord(ada, "pot");
  const told = (answer: Answer) => ada.until(() => answer.message()?.text.includes("What I think") && answer.message());
  for (const seen of [
    await told(await ada.press(learned, "Info")),
    await told(await ada.slash("concepts info", { name: "pot" })),
  ]) {
    expect(seen.ephemeral).toBe(true);
    expect(seen.text).toMatch(/`<pot>`.*\*\*red\*\* → crimson 1\.00, rose 0\.40.*before: rose 0\.40/s);
    expect(seen.pictures.map(({ alt }) => alt)).toEqual(["where pot looks"]);
  }
  expect(learned.buttons.map(({ customId }) => customId?.split(":"))).toContainEqual([
    "concept.info",
    expect.stringMatching(/^[A-Za-z0-9_-]+$/),
  ]);
  expect(ben.see()).toEqual([]);
  expect((await settled(ben, await ben.slash("concepts info", { name: "pot" }))).text).toContain("You have no word");
});

test("a saved blend: Info tells what it is made of, it is shared only after its parents, and drawn in public while they are", async () => {
  const learned = await learnWord(ada, "pot");
  await blendConcept(studio.gateway.library, {
    ...{ id: `blend-${ada.id}`, name: "chimera", blend: "pot*0.6+dragon*0.4", created: new Date(0).toISOString() },
    viewer: { user: { id: ada.id, name: "ada" }, moderator: false },
    model: { baseModel: { id: "scripted", hash: "0" }, width: 4, isWord: (words) => words === "dragon" },
  });
  const told = (answer: Answer) => ada.until(() => answer.message()?.text.includes("blend") && answer.message());
  for (const seen of [
    await told(await ada.forgePress(await list(ada), `concept.info:blend-${ada.id}`)),
    await told(await ada.slash("concepts info", { name: "chimera" })),
  ]) {
    expect(seen.ephemeral).toBe(true);
    expect(seen.text).toMatch(/<chimera> is a blend.*60 % \\<pot> v1 by ada.*40 % “dragon”/s);
  }
  const pressShare = async () => ada.forgePress(await list(ada), `concept.share:blend-${ada.id}`);
  await pressShare();
  const refused = await ada.until(() => ada.see().find(({ text }) => text.includes("not shared with this server")));
  expect(refused.ephemeral).toBe(true);
  expect(refused.text).toContain("<pot> by ada. Share them first");
  expect(ben.see()).toEqual([]);
  await share(ada, learned);
  await pressShare();
  await ben.until(() => ben.see().find(({ text }) => text.includes("shares a new word: `<chimera>`")));
  const draw = async () => {
    const answer = await ada.slash("imagine", { prompt: "<chimera>", pictures: 1 });
    return ada.until(() => answer.message()?.text.includes("seed") && answer.message());
  };
  expect((await draw()).ephemeral).toBe(false);
  await settled(ada, await ada.slash("concepts unshare", { name: "pot" }));
  expect(await draw()).toMatchObject({
    ephemeral: true,
    text: expect.stringContaining("Only you see this, because `<pot>` is not shared with this server."),
  });
});

test("a private word of somebody else cannot be seen, used, shared or deleted by any route", async () => {
  const learned = await learnWord(ada, "pot");
  const [id = ""] = (learned.buttons[0]?.customId ?? "").split(":").slice(1);
  expect((await list(ben)).text).toContain("No words yet");
  expect(await ben.autocomplete("imagine", "prompt", "<p")).toEqual([]);
  expect(await ben.autocomplete("concepts delete", "name", "")).toEqual([]);
  expect((await ask(ben, "pot")).text).toContain("You have no word");
  const drawn = await ben.slash("imagine", { prompt: "<pot> in space" });
  expect(drawn.message()?.text).toContain("I do not know \\<pot>");
  for (const prompt of ["<ada/pot>", `<${ada.id}/pot>`]) {
    expect((await ben.slash("imagine", { prompt })).message()?.text).toContain("I do not know");
  }
  // Ids on buttons of messages that are Ben's own, as a tampered client sends them.
  const own = await list(ben);
  for (const verb of ["share", "unshare", "info", "ask", "delete", "undo"]) {
    const before = ben.see().length;
    const answer = await ben.forgePress(own, `concept.${verb}:${id}`);
    const told = await ben.until(
      () =>
        ben
          .see()
          .slice(before)
          .find(({ loading }) => !loading) ??
        (answer.message()?.text.includes("⚠️") && answer.message()),
    );
    expect(told.text).not.toContain("a red object");
    expect(told.text).toMatch(/⚠️|🔒/);
  }
  // The gateway itself, asked as Ben.
  const asBen = { ...person(ben.id, server.guild.id), user: { id: ben.id, name: "ben" } };
  const calls = [
    await studio.gateway.call(asBen, routes.readConcept, id),
    await studio.gateway.call(asBen, routes.deleteConcept, id),
    await studio.gateway.call(asBen, routes.restoreConcept, id),
    await studio.gateway.call(asBen, routes.shareConcept, id, { scope: "server" }),
    await studio.gateway.call(asBen, routes.readFile, `concepts/${id}/1.safetensors`),
  ];
  expect(calls.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  expect((await list(ada)).text).toMatch(/`<pot>`.*private/);
});

test("a shared word can be used by all and deleted by its owner alone", async () => {
  const learned = await learnWord(ada, "pot");
  const [id = ""] = (learned.buttons[0]?.customId ?? "").split(":").slice(1);
  await share(ada, learned);
  const own = await list(ben);
  const before = ben.see().length;
  await ben.forgePress(own, `concept.delete:${id}`);
  const refused = await ben.until(() =>
    ben
      .see()
      .slice(before)
      .find(({ loading }) => !loading),
  );
  expect(refused.text).toMatch(/⚠️|🔒/);
  expect((await list(ben)).text).toContain("`<pot>`");
});

test("/help says it all on one card", async () => {
  const answer = await ada.slash("help");
  expect(answer.message()?.text).toMatch(/\/learn.*\/imagine.*Share.*\/concepts/s);
  expect(answer.message()?.ephemeral).toBe(true);
});

import { expect, test } from "vitest";
import { type Card, cardRequest } from "../../bot/card.ts";
import { imagineCards } from "../../bot/imagine-cards.ts";
import { unseenJob } from "../../bot/job-view.ts";
import { draftCard } from "../../bot/learn-cards.ts";
import { noteCard } from "../../bot/replies.ts";
import type { Delivery } from "../../shared/api.ts";
import { Draft } from "../../shared/draft.ts";
import { Prediction } from "../../shared/job.ts";
import { post } from "../support/discord/emulator-harness.ts";

const picture = { name: "picture.png", bytes: Buffer.from("x"), alt: "a pot" };
const created = new Date(0).toISOString();
const note = (begin: string, characters: number) => begin.padEnd(characters, " _____");

/** What Discord stores of a card, as text. @throws Error when it refuses it */
async function stored(card: Card): Promise<string> {
  const { body, files } = cardRequest(card);
  const reply = await post(body, Object.fromEntries(files.map(({ name }) => [name, 1])));
  expect(reply.status, reply.text).toBe(200);
  return reply.text;
}

test("a draft with the longest welcome and notes keeps its title, its candidates and its last line", async () => {
  const candidate = {
    ...{ level: "object", click: { x: 0.5, y: 0.5 }, box: { x: 0, y: 0, width: 1, height: 1 } },
    ...{ mask: "mask.png", caption: note("a red_pot", 500), className: "pot", score: 1 },
  };
  const draft = Draft.parse({
    ...{ id: "1", revision: 1, owner: { id: "2", name: "ada" }, created, name: "pot" },
    picture: { key: "picture.png", width: 8, height: 8 },
    candidates: Array.from({ length: 4 }, () => candidate),
    welcome: { picture: { key: "welcome.png", width: 8, height: 8 }, text: note("welcome", 500) },
  });
  const notes = ["one", "two", "three", "four", "five"].map((begin) => note(begin, 1_000));
  const drawn = { key: "picture.png", kind: "outline" as const, width: 8, height: 8, alt: "" };
  const text = await stored(draftCard({ draft, notes, picture: drawn }, picture, { ...picture, name: "welcome.png" }));
  expect(text).toContain("### What should I learn?");
  expect(text).toContain("4 · a red");
  expect(text).toContain("-# one");
  expect(text).toContain("-# and 4 more");
  expect(text).toContain("It will be called");
  expect(text).toContain("Learn “pot”");
});

test("pictures with the longest prompt and notes keep the prompt, the seed, why they are private and Again", async () => {
  const notes = Array.from({ length: 10 }, (_, index) => note(`note ${index}`, 500));
  const pictures = [{ key: "picture.png", kind: "picture", width: 8, height: 8 }];
  const ended = Prediction.parse({
    ...{ id: "j1", status: "succeeded", created_at: created },
    input: { task: "imagine", prompt: note("a pot", 1_000) },
    output: { task: "imagine", pictures, seed: 42, notes },
  });
  const delivery = {
    id: "j1",
    identity: { user: { id: "2" } },
    address: { ephemeral: true, why: "so" },
  } as unknown as Delivery;
  const text = await stored(await imagineCards.ended({ ...unseenJob, ended }, delivery, async () => picture));
  expect(text).toContain("### a pot");
  expect(text).toContain("-# seed 42 · note 0");
  expect(text).toContain("-# Only you see this, because so.");
  expect(text).toContain("imagine.again");
});

test("a list loses whole lines, a text without lines and spaces its end", async () => {
  const list = ["### Words", ...Array.from({ length: 200 }, (_, index) => `${index}: ${"x".repeat(40)}`)].join("\n");
  expect(await stored(noteCard(list))).toMatch(/### Words.*\\n87: x{40}\\n-# and 112 more"/);
  expect(await stored(noteCard("y".repeat(5_000)))).toMatch(/"y{3998} …"/);
  expect(await stored(noteCard(`y${"🐱".repeat(2_500)}`)), "no half of a character").toMatch(/"y(?:🐱){1998} …"/u);
});

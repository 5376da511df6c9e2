import { afterAll, beforeAll, expect, test } from "vitest";
import { DraftView, routes } from "../../shared/api.ts";
import type { Draft } from "../../shared/draft.ts";
import { describeMiddle, person, samplePicture } from "../http/test-gateway.ts";
import type { Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import { propose, type Studio, says, startStudio } from "./test-studio.ts";

const labels = (message: { buttons: readonly { label: string }[] }) => message.buttons.map(({ label }) => label);

/** Words for a photograph that nobody is sure of. */
const guesses = ["bear", "turtle", "eagle", "taco", "elephant", "cat"];
let studio: Studio;
let eve: Member;

beforeAll(async () => {
  studio = await startStudio({
    describe: async (input, files) => {
      const found = await describeMiddle(input, files);
      const words = guesses.map((word) => ({ word, caption: `an orange ${word}`, score: 0.1 }));
      const key = await files.write("welcome.png", await samplePicture(16));
      return {
        ...found,
        photograph: true,
        candidates: found.candidates.map((candidate) => ({
          ...candidate,
          ...{ sure: false, initialiser: "stars" as const, words },
        })),
        welcome: { picture: { key, width: 16, height: 16 }, text: "I draw emoji: here is my best guess as one." },
      };
    },
    notesOn: (caption) =>
      caption.includes("kitten") ? ["This model has never seen “kitten” (try “cat” or “dog”)."] : [],
  });
  eve = studio.newServer().addMember("eve");
});

afterAll(() => studio.close());

test("a photograph that nobody is sure of is welcomed, and six words are offered instead of one", async () => {
  const card = await propose(eve);
  expect(card.text).toContain("I draw emoji: here is my best guess as one.");
  expect(card.text).toContain("not sure, perhaps a red object");
  expect(card.pictures).toHaveLength(2);
  expect(labels(card)).toEqual([...guesses, "Learn “red-object”", "Edit words", "Point instead", "1", "2"]);
  await eve.press(card, "cat");
  const sure = await says(eve, card.id, "an orange cat");
  expect(sure.text).not.toContain("not sure, perhaps an orange cat");
  expect(sure.text).not.toContain("I draw emoji");
  expect(labels(sure)).toEqual([expect.stringMatching(/^Learn “/), "Edit words", "Point instead", "1", "2"]);
});

test("words that the model does not know are told before anything is learned", async () => {
  const card = await propose(eve);
  await eve.fill(await eve.press(card, "Edit words"), { caption: "a kitten" });
  const told = await says(eve, card.id, "This model has never seen");
  expect(told.text).toContain("try “cat” or “dog”");
});

/** What Learn would start from and be told, of the draft behind a card. */
async function draftOf(card: SeenMessage): Promise<Draft> {
  const learn = card.buttons.find(({ label }) => label.startsWith("Learn"));
  const [, id = ""] = learn?.customId?.split(":") ?? [];
  const view = await studio.gateway.call(
    { ...person(eve.id), user: { id: eve.id, name: "eve" } },
    routes.readDraft,
    id,
  );
  return DraftView.parse(view.body).draft;
}

test("Edit words used only to rename leaves the guess a guess, and the words and the welcome where they are", async () => {
  const card = await propose(eve);
  await eve.fill(await eve.press(card, "Edit words"), { name: "garfield" });
  const renamed = await says(eve, card.id, "It will be called `<garfield>`");
  expect(renamed.text).toContain("not sure, perhaps a red object");
  expect(renamed.pictures).toHaveLength(2);
  expect(labels(renamed).slice(0, 7)).toEqual([...guesses, "Learn “garfield”"]);
  const draft = await draftOf(renamed);
  expect(draft).toMatchObject({ name: "garfield", initialiser: "stars" });
  expect([draft.caption, draft.className]).toEqual([undefined, undefined]);
});

test("Edit words used only to describe leaves the name to follow the words", async () => {
  const card = await propose(eve);
  await eve.fill(await eve.press(card, "Edit words"), { caption: "a striped tiger" });
  const told = await says(eve, card.id, "a striped tiger");
  expect(labels(told)).toContain("Learn “striped-tiger”");
  expect(await draftOf(told)).toMatchObject({ caption: "a striped tiger", initialiser: "caption" });
  await eve.fill(await eve.press(told, "Edit words"), { caption: "a grey cat" });
  expect(labels(await says(eve, card.id, "a grey cat"))).toContain("Learn “grey-cat”");
});

test("a guess may be emptied: nothing is known of it then, and words that were written before are taken back", async () => {
  const card = await propose(eve);
  await eve.fill(await eve.press(card, "Edit words"), { caption: "a grey cat", class: "cat" });
  const told = await says(eve, card.id, "a grey cat");
  await eve.fill(await eve.press(told, "Edit words"), { caption: "", class: " " });
  const again = await says(eve, card.id, "not sure, perhaps a red object");
  expect(labels(again)).toEqual(expect.arrayContaining(guesses));
  const draft = await draftOf(again);
  expect([draft.caption, draft.className, draft.initialiser]).toEqual([undefined, undefined, "stars"]);
});

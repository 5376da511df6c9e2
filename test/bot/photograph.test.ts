import { afterAll, beforeAll, expect, test } from "vitest";
import { describeMiddle, samplePicture } from "../http/test-gateway.ts";
import type { Member } from "../support/discord/member.ts";
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
        candidates: found.candidates.map((candidate) => ({ ...candidate, sure: false, words })),
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

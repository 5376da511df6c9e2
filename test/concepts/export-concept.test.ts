import { expect, test } from "vitest";
import { exportConcept } from "../../functions/concepts/export-concept.ts";
import { goldenConcept, goldenPicture } from "../support/golden-concept.ts";

const origin = { format: "a1111 pt", author: "ann" };

test.each([
  [
    "imported, without a picture",
    { ...goldenConcept, meta: { ...goldenConcept.meta, origin } },
    undefined,
    /<golden-cat> has none, because it was imported. Export it in the format safetensors/,
  ],
  ["whose picture is gone", goldenConcept, undefined, /<golden-cat> has none. Export it in the format safetensors/],
  [
    "whose picture is too low",
    goldenConcept,
    { width: 64, height: 63, data: goldenPicture.data.subarray(0, 64 * 63 * 3) },
    /at least 64 pixels high; that of <golden-cat> is 63 high. Export it in the format safetensors/,
  ],
] as const)("a card of a word %s is refused in words that say what to do", async (_, concept, picture, message) => {
  await expect(exportConcept(concept, "card", picture)).rejects.toMatchObject({
    name: "UserError",
    code: "bad_request",
    message: expect.stringMatching(message),
  });
});

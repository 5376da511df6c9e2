import { expect, test } from "vitest";
import { explainCards } from "../../bot/explain-cards.ts";
import type { FunctionClient } from "../../bot/function-client.ts";
import { imagineCards } from "../../bot/imagine-cards.ts";
import { learnCards } from "../../bot/learn-cards.ts";
import { pictureLoader } from "../../bot/progress.ts";
import { UserError } from "../../shared/error.ts";
import { DrawnPicture } from "../../shared/job.ts";
import { person } from "../http/test-gateway.ts";

test("a picture is loaded once, and again after it did not come", async () => {
  const answers = [new UserError("unavailable", "Away for a moment."), Buffer.from("png")];
  const call = async () => {
    const answer = answers.shift();
    if (Buffer.isBuffer(answer)) return answer;
    throw answer ?? new Error("asked once more");
  };
  const load = pictureLoader({ call } as unknown as FunctionClient, { id: "j1", identity: person("101") });
  const drawn = DrawnPicture.parse({ key: "jobs/j1/preview.png", kind: "preview", width: 8, height: 8, alt: "a pot" });
  await expect(load(drawn)).rejects.toThrow("Away for a moment.");
  const picture = await load(drawn);
  expect(picture).toMatchObject({ bytes: Buffer.from("png"), alt: "a pot" });
  expect(await load(drawn)).toBe(picture);
});

for (const [task, { notice }] of Object.entries({ learn: learnCards, imagine: imagineCards, explain: explainCards })) {
  test(`the notice of a ${task} job that brought nothing says so and what to do`, () => {
    expect(notice("7", false)).toMatch(/^<@7>, .* did not work out\. Allow direct messages.* again\.$/);
    expect(notice("7", true)).not.toContain("did not work out");
  });
}

import { expect, test } from "vitest";
import type { FunctionClient } from "../../bot/function-client.ts";
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

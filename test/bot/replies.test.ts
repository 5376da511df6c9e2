import { expect, test } from "vitest";
import type { Card } from "../../bot/card.ts";
import { endedBadly } from "../../bot/job-lines.ts";
import { unseenJob } from "../../bot/job-view.ts";
import { errorCard } from "../../bot/replies.ts";
import { UserError } from "../../shared/error.ts";
import { Prediction } from "../../shared/job.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import { escapeHtml, markdownToHtml } from "../support/discord/markdown.ts";

/** What people read of a card that only says something. */
function read({ parts }: Card): string {
  const [part] = parts;
  return markdownToHtml(part !== undefined && "content" in part ? part.content : "", () => "ada");
}

function refusalOf(prompt: string): UserError {
  try {
    parsePrompt(prompt);
  } catch (error) {
    if (error instanceof UserError) return error;
  }
  throw new Error(`${prompt} was not refused`);
}

const prompts = [
  "<my cat>",
  "<a*0.5+b+c*0.2>",
  "<a*0.6>",
  "<a_b*9+c_d*1>",
  "<a*0.5+b:2>",
  "<lora:x_y_z:1>",
  "<a `b` c>",
];

for (const prompt of prompts) {
  test(`why ${prompt} is refused reads as it was written, examples and all`, () => {
    const error = refusalOf(prompt);
    const written = escapeHtml(error.message).replace("`b`", "<code>b</code>");
    expect(read(errorCard(error, () => {}))).toContain(written);
    const ended = Prediction.parse({
      ...{ id: "j1", status: "failed", created_at: new Date(0).toISOString(), error: error.message },
      input: { task: "imagine", prompt },
    });
    expect(read(endedBadly({ ...unseenJob, ended }))).toContain(written);
  });
}

test("our own code and mentions in an error stay what they are", () => {
  const error = new UserError("not_found", "For <@7>: `/concepts list` shows *them*; ``a` is [no](https://code.test).");
  expect(read(errorCard(error, () => {}))).toContain(
    '<span class="mention">@ada</span>: <code>/concepts list</code> shows *them*; ``a` is [no](https://code.test).',
  );
});

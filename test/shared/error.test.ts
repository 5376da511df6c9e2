import { expect, test } from "vitest";
import { UserError } from "../../shared/error.ts";

test("a message shows the signs that would move a cursor or turn the direction of the text", () => {
  const { message } = new UserError("bad_config", 'no weight "a\u202Eb\u001b[2Jc\u2066"\n\tä “<x>” 🐱');
  expect(message).toBe('no weight "a\\u202eb\\u001b[2Jc\\u2066"\n\tä “<x>” 🐱');
});

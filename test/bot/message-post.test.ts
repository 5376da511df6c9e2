import { RESTJSONErrorCodes as Codes, DiscordAPIError, type REST } from "discord.js";
import { expect, test } from "vitest";
import { sendDirectly, sendTo } from "../../bot/message-post.ts";
import { noteCard } from "../../bot/replies.ts";

const card = noteCard("Your word is ready.");

/** A Discord that refuses every message with this code. */
const refusing = (code: number) =>
  ({
    post: async (route: string) => {
      if (route === "/users/@me/channels") return { id: "7" };
      throw new DiscordAPIError({ code, message: "Refused" }, code, 403, "POST", route, {});
    },
  }) as unknown as REST;

const never = [
  Codes.CannotSendMessagesToThisUser,
  Codes.CannotSendMessagesToThisUserDueToHavingNoMutualGuilds,
  Codes.InvalidRecipients,
  Codes.UnknownUser,
  Codes.UnknownChannel,
  Codes.MissingAccess,
];

for (const code of never) {
  test(`a message that Discord refuses for good, as ${Codes[code]}, is given up`, async () => {
    expect(await sendDirectly(refusing(code), "1", card, "n")).toBeUndefined();
    expect(await sendTo(refusing(code), "7", card, "n")).toBeUndefined();
  });
}

test("a message that is refused for how it is written is a bug, not a closed door", async () => {
  const rest = refusing(Codes.InvalidFormBodyOrContentType);
  await expect(sendDirectly(rest, "1", card, "n")).rejects.toThrow("Refused");
  await expect(sendTo(rest, "7", card, "n")).rejects.toThrow("Refused");
});

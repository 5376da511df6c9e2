import { RESTJSONErrorCodes as Codes, DiscordAPIError, type REST } from "discord.js";
import { expect, test } from "vitest";
import { editAt, sendDirectly, sendTo } from "../../bot/message-post.ts";
import { noteCard } from "../../bot/replies.ts";

const card = noteCard("Your word is ready.");

const address = {
  ...{ applicationId: "9", token: "t", tokenExpiresMs: 60_000, channelId: "7", messageId: "8" },
  ...{ ephemeral: false, locale: "en-US" },
};

/** A Discord that refuses every message with this code. */
const refusing = (code: number) =>
  ({
    patch: async (route: string) => {
      throw new DiscordAPIError({ code, message: "Refused" }, code, 403, "PATCH", route, {});
    },
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
  Codes.InvalidActionOnArchivedThread,
  Codes.ThreadLocked,
];

for (const code of never) {
  test(`a message that Discord refuses for good, as ${Codes[code]}, is given up`, async () => {
    expect(await sendDirectly(refusing(code), "1", card, "n")).toBeUndefined();
    expect(await sendTo(refusing(code), "7", card, "n")).toBeUndefined();
    expect(await editAt(refusing(code), address, card, new Map(), 0)).toBeUndefined();
  });
}

test("a message that is refused for how it is written is a bug, not a closed door", async () => {
  const rest = refusing(Codes.InvalidFormBodyOrContentType);
  await expect(sendDirectly(rest, "1", card, "n")).rejects.toThrow("Refused");
  await expect(sendTo(rest, "7", card, "n")).rejects.toThrow("Refused");
  await expect(editAt(rest, address, card, new Map(), 0)).rejects.toThrow("Refused");
});

import { expect, test } from "vitest";
import { readBotConfig } from "../../bot/config.ts";

const good = { DISCORD_TOKEN: "a.discord.token.of.some.length", SIGNING_SECRET: "s".repeat(32) };

test("a token and a secret are enough", () => {
  expect(readBotConfig(good)).toEqual({
    discordToken: good.DISCORD_TOKEN,
    discordApi: "https://discord.com/api",
    attachmentOrigins: ["https://cdn.discordapp.com", "https://media.discordapp.net"],
    gatewayUrl: "http://127.0.0.1:8080",
    signingSecret: good.SIGNING_SECRET,
  });
});

test("every wrong variable is named with what it should be, and no value is shown", () => {
  const wrong = { DISCORD_TOKEN: " ", SIGNING_SECRET: "hunter2", GATEWAY_URL: "ftp://x", DISCORD_SERVER: "mine" };
  const message = String(expectError(() => readBotConfig(wrong)));
  for (const name of Object.keys(wrong)) expect(message).toContain(name);
  expect(message).toContain("DISCORD_TOKEN is missing");
  expect(message).not.toContain("hunter2");
});

function expectError(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

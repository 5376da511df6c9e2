import { afterEach, beforeEach, expect, test } from "vitest";
import { startBot } from "../../bot/main.ts";
import { secret } from "../http/test-gateway.ts";
import { type Emulator, startEmulator } from "../support/discord/emulator.ts";

let emulator: Emulator;

beforeEach(async () => {
  emulator = await startEmulator();
});

afterEach(() => emulator.close());

test("a bot that may not register its commands says why and leaves nothing connected", async () => {
  const config = {
    discordToken: emulator.world.botToken,
    discordServer: "404404404404",
    discordApi: emulator.restUrl,
    attachmentOrigins: [],
    gatewayUrl: "http://127.0.0.1:1",
    signingSecret: secret,
  };
  await expect(startBot(config, emulator.clock, () => {})).rejects.toThrow("Missing Access");
  expect(emulator.gateway.intents, "it was connected").toHaveLength(1);
  await expect.poll(() => emulator.gateway.connections()).toBe(0);
});

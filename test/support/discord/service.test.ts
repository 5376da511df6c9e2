import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startEmulator } from "./emulator.ts";
import { emulator, post } from "./emulator-harness.ts";

test("the sixth message in five seconds is 429 with retry_after, and passes after it", async () => {
  for (let index = 0; index < 5; index++) expect((await post({ content: "x" })).status).toBe(200);
  const refused = await post({ content: "x" });
  expect(refused.status).toBe(429);
  const seconds = refused.json["retry_after"] as number;
  expect(seconds).toBeGreaterThan(0);
  expect(refused.headers.get("retry-after")).toBe(String(seconds));
  emulator.clock.advance(seconds * 1000 + 1);
  expect((await post({ content: "x" })).status).toBe(200);
});

test("an unknown route fails loudly", async () => {
  const broken = await startEmulator();
  const headers = { authorization: `Bot ${broken.world.botToken}` };
  expect((await fetch(`${broken.restUrl}/v10/nonsense`, { headers })).status).toBe(404);
  await expect(broken.close()).rejects.toThrow("unknown route GET /api/v10/nonsense");
});

test("an attachment's address is signed and expires", async () => {
  const { json } = await post({ content: "x" }, { "a.png": 3 });
  const url = String((json["attachments"] as { url: string }[])[0]?.url);
  expect((await fetch(url)).status).toBe(200);
  expect((await fetch(url.replace("/a.png", "/b.png"))).status).toBe(404);
  emulator.clock.advance(24 * 60 * 60_000 + 1_000);
  expect((await fetch(url)).status).toBe(404);
});

test("the gateway closes on a wrong token, on unapproved intents and on an unknown opcode", async () => {
  const token = emulator.world.botToken;
  const identify = (d: object) => ({ op: 2, d: { token, intents: 1, properties: { os: "linux" }, ...d } });
  expect(await closeCode(identify({ token: "no" }))).toBe(4004);
  expect(await closeCode(identify({ intents: 1 << 15 }))).toBe(4014);
  expect(await closeCode({ op: 99, d: null })).toBe(4001);
  expect(await closeCode({ op: 3, d: null })).toBe(4003);
});

function closeCode(frame: object): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${emulator.world.origin.replace("http", "ws")}/?v=10&encoding=json`);
    socket.on("message", () => socket.send(JSON.stringify(frame)));
    socket.on("close", resolve);
  });
}

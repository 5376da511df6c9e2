import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { downloadAttachment } from "../../bot/attachment.ts";

let server: Server;
let origin: string;

beforeEach(async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { "content-length": 1_000 });
    response.write("a beginning");
    setTimeout(() => response.destroy(), 50);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.close();
});

test("a picture whose download breaks off can be tried again", async () => {
  const attachment = { url: `${origin}/a.png`, contentType: "image/png", size: 1_000 };
  const told = { name: "UserError", code: "unavailable", message: expect.stringContaining("Try again") };
  await expect(downloadAttachment(attachment, [origin])).rejects.toMatchObject(told);
});

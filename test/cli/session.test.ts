import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { expect, onTestFinished, test, vi } from "vitest";
import { clickArgument } from "../../functions/cli/arguments.ts";
import { openSession } from "../../functions/cli/session.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";

vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  userInfo: () => {
    throw new Error("uv_os_get_passwd returned ENOENT (no such file or directory)");
  },
}));

async function sessionInNewFolder() {
  const folder = await mkdtemp(join(tmpdir(), "eponym-session-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv("CONCEPTS", folder);
  const session = await openSession();
  onTestFinished(() => session.close());
  return session;
}

test("a user whom the machine does not know by name may work too", async () => {
  const session = await sessionInNewFolder();
  expect(session.viewer.user).toEqual({ id: "me", name: "me" });
});

test("a click is in pixels of the upload as people see it, however small it is stored", async () => {
  const session = await sessionInNewFolder();
  // As a telephone writes it: on its side, with a note that says so.
  const lying = sharp({ create: { width: 4000, height: 3000, channels: 3, background: "teal" } });
  const upload = await lying.withMetadata({ orientation: 6 }).jpeg().toBuffer();
  const added = await session.addPicture(upload);
  expect(clickArgument("2250,1000")(added)).toEqual({ x: 0.75, y: 0.25 });
  const stored = await readPicture((await session.store.get(added.key))?.data as Uint8Array);
  expect([stored.width, stored.height]).toEqual([1152, 1536]);
});

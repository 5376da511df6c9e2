import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openSession } from "../../functions/cli/session.ts";

vi.mock("node:os", async (original) => ({
  ...(await original<typeof import("node:os")>()),
  userInfo: () => {
    throw new Error("uv_os_get_passwd returned ENOENT (no such file or directory)");
  },
}));

test("a user whom the machine does not know by name may work too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "eponym-session-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  vi.stubEnv("CONCEPTS", folder);
  const session = await openSession();
  expect(session.viewer.user).toEqual({ id: "me", name: "me" });
  await session.close();
});

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { testWith } from "../support/peer.ts";

const root = join(import.meta.dirname, "..", "..");
/** Root may write everywhere, so that it runs commands as somebody else. */
const user = process.getuid?.() === 0 ? { uid: 54_321, gid: 54_321 } : {};
const mayRead = spawnSync(process.execPath, ["-e", ""], { cwd: root, ...user }).status === 0;

testWith("a checkout that other users may read", mayRead)(
  "a folder that takes no files is refused before anything is drawn",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "eponym-locked-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await chmod(folder, 0o755);
    const locked = join(folder, "locked");
    await mkdir(locked, { mode: 0o555 });
    const env = { ...process.env, CONCEPTS: join(folder, "concepts"), NO_COLOR: "1" };
    for (const out of [locked, join(locked, "a", "b")]) {
      const args = ["functions/cli.ts", "imagine", "cat", "--out", out];
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: "utf8", ...user });
      expect(stderr).toBe(`✗ --out: "${locked}" may not be written to; expected a folder that may.\n`);
      expect(status).toBe(2);
    }
  },
);

testWith("/proc", existsSync("/proc/self"))(
  "a folder in /proc, where nothing can be made, is refused and not tried for ever",
  () => {
    const args = ["functions/cli.ts", "imagine", "cat", "--out", "/proc/a/b"];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: 60_000 });
    expect(stderr).toMatch(/--out: "\/proc" may not be written to; expected a folder that may\.$/m);
    expect(status).toBe(2);
  },
);

testWith("/proc", existsSync("/proc/self"))("concepts that are to be kept in /proc are refused with a reason", () => {
  const env = { ...process.env, CONCEPTS: "/proc/a/b", NO_COLOR: "1" };
  const args = ["functions/cli.ts", "concepts", "list"];
  const { status, stderr } = spawnSync(process.execPath, args, {
    ...{ cwd: root, env, encoding: "utf8", timeout: 60_000 },
    killSignal: "SIGKILL",
  });
  expect(stderr).toMatch(/^✗ cannot keep a store in \/proc\/a\/b \(.*\): it needs a writable folder/);
  expect(status).toBe(5);
});

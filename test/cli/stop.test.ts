import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const folder = await mkdtemp(join(tmpdir(), "eponym-stop-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command, presses Ctrl-C once it has said `when`, and gives its last line. As a terminal does it, the signal goes to every
 * process of the command. */
function stopped(when: RegExp, ...args: string[]): Promise<{ code: number | null; last: string | undefined }> {
  const env = { ...process.env, CONCEPTS: join(folder, "concepts"), THREADS: "1", NO_COLOR: "1" };
  const child = spawn(process.execPath, ["functions/cli.ts", ...args, "--out", join(folder, "out")], {
    ...{ cwd: root, env, stdio: ["ignore", "ignore", "pipe"], detached: true },
  });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    const before = when.test(said);
    said += String(chunk);
    if (!before && when.test(said)) process.kill(-(child.pid as number), "SIGINT");
  });
  return new Promise((resolve) =>
    child.on("close", (code) => resolve({ code, last: said.trimEnd().split("\n").at(-1) })),
  );
}

test("a stopped command promises to go on only where there is a checkpoint to go on from", async () => {
  const drawing = await stopped(/^drawing/m, "imagine", "cat", "--count", "10", "--steps", "150");
  expect(drawing).toEqual({ code: 130, last: "✗ Stopped." });
  const teddy = "test/pictures/held-out/teddy.png";
  const learning = await stopped(/^learning 20\//m, "learn", teddy, "--steps", "5000", "--name", "teddy");
  expect(learning).toEqual({ code: 130, last: "✗ Stopped. The same command goes on from the last checkpoint." });
}, 120_000);

test("describing stops, too: neither the things that are left nor the first look at a photograph is made", async () => {
  const describing = await stopped(/^looking/m, "describe", "test/photos/cat.jpg");
  expect(describing).toEqual({ code: 130, last: "✗ Stopped." });
}, 60_000);

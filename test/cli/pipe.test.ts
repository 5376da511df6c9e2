import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const folder = await mkdtemp(join(tmpdir(), "eponym-pipe-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command that nobody reads one stream of; gives its exit code and what it wrote to the other one. */
function unread(stream: "stdout" | "stderr", ...args: string[]): Promise<{ code: number | null; other: string }> {
  const env = { ...process.env, CONCEPTS: join(folder, "concepts"), THREADS: "1", NO_COLOR: "1" };
  const child = spawn(process.execPath, ["functions/cli.ts", ...args], { cwd: root, env });
  child[stream].destroy();
  let other = "";
  child[stream === "stdout" ? "stderr" : "stdout"].on("data", (chunk) => (other += String(chunk)));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, other })));
}

test("a result that nobody reads ends the command quietly", async () => {
  expect(await unread("stdout", "concepts", "list", "--json")).toEqual({ code: 0, other: "" });
});

test("drawing goes on to its end when nobody reads how far it is", async () => {
  const out = join(folder, "out");
  const drawn = await unread("stderr", "imagine", "cat", "--count", "1", "--steps", "10", "--seed", "1", "--out", out);
  expect(drawn).toEqual({ code: 0, other: `${join(out, "cat-steps-10-1.png")}\n` });
  expect(await readdir(out)).toEqual(["cat-steps-10-1.png"]);
});

test("a refusal that nobody reads keeps its exit code", async () => {
  expect(await unread("stderr", "imagine", "<ghost>")).toEqual({ code: 8, other: "" });
});

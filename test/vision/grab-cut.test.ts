import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = `
import { createGrabCut } from "${new URL("../../functions/vision/grab-cut.ts", import.meta.url)}";
const side = 32;
const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => (7 * i) % 256);
const trimap = Uint8Array.from({ length: side * side }, (_, i) => (i % side > 8 && i % side < 24 ? 3 : 0));
const cut = await createGrabCut()({ width: side, height: side, data }, trimap);
console.log(cut.length);
`;

test("a process that made a cut ends when its work is done, not when the thread has idled for a minute", async () => {
  const folder = await mkdtemp(join(tmpdir(), "eponym-cut-"));
  try {
    const path = join(folder, "cut.mjs");
    await writeFile(path, program);
    const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 25_000 });
    expect(stdout).toBe("1024\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 30_000);

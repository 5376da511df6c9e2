import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const start = `
import { createGrabCut } from "${new URL("../../functions/vision/grab-cut.ts", import.meta.url)}";
const cut = createGrabCut();
const pictureOf = (side) => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: 3 * side * side }, (_, i) => (7 * i) % 256),
});
const halves = (side) => Uint8Array.from({ length: side * side }, (_, i) => (i % side > 8 && i % side < 24 ? 3 : 0));
`;

/** What a program prints that begins as above. */
async function printed(program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "eponym-cut-"));
  try {
    const path = join(folder, "cut.mjs");
    await writeFile(path, start + program);
    const { stdout } = await promisify(execFile)(process.execPath, [path], { timeout: 25_000 });
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("a process that made a cut ends when its work is done, not when the thread has idled for a minute", async () => {
  expect(await printed(`console.log((await cut(pictureOf(32), halves(32))).length);`)).toBe("1024\n");
}, 30_000);

test("pictures that are all thing, or all background, are not cut, and cost no memory", async () => {
  const megabytes = await printed(`
    const side = 160;
    await cut(pictureOf(32), halves(32));
    const before = process.memoryUsage.rss();
    for (let i = 0; i < 300; i++) {
      const labels = await cut(pictureOf(side), new Uint8Array(side * side).fill(i % 4));
      if (labels !== undefined) throw new Error("cut");
    }
    console.log((process.memoryUsage.rss() - before) / 2 ** 20);
  `);
  expect(Number(megabytes)).toBeLessThan(60);
}, 30_000);

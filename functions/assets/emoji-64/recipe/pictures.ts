/** `node pictures.ts`: the pictures that README and model card show of held-out things, by the product's own command line.
 * docs/first-concept.png is the strip of the tiger; held-out.png shows each bundled sample with its three scenes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { z } from "zod";

const assets = join(import.meta.dirname, "..");
const root = join(assets, "..", "..", "..");
const Samples = z.array(z.object({ file: z.string(), click: z.tuple([z.int(), z.int()]), name: z.string() }));
const samples = Samples.parse(JSON.parse(readFileSync(join(assets, "samples", "samples.json"), "utf8")));
const hero = "tiger";
const [tile, gap] = [192, 8];

const out = mkdtempSync(join(tmpdir(), "pictures-"));
try {
  const rows: Buffer[][] = [];
  for (const { file, click, name } of samples) {
    const word = name.replaceAll(" ", "-");
    const picture = join(assets, "samples", file);
    const words = ["learn", picture, "--click", click.join(","), "--name", word, "--out", out];
    // Concepts go beside the pictures: both folders are relative to where the command runs.
    execFileSync(process.execPath, [join(root, "functions", "cli.ts"), ...words], { cwd: out, stdio: "inherit" });
    if (word === hero)
      await sharp(join(out, `${word}-strip.png`))
        .resize({ width: 1200 })
        .png({ palette: true, quality: 90 })
        .toFile(join(root, "docs", "first-concept.png"));
    const shown = [picture, ...[1, 2, 3].map((i) => join(out, `${word}-scene-${i}.png`))];
    rows.push(
      await Promise.all(shown.map((path) => sharp(path).resize(tile, tile, { kernel: "cubic" }).png().toBuffer())),
    );
  }
  // Two samples a row: source and three scenes each.
  const step = tile + gap;
  const placed = rows.flatMap((tiles, row) =>
    tiles.map((input, column) => ({
      input,
      left: gap + (column + 4 * (row % 2)) * step + (row % 2) * 2 * gap,
      top: gap + Math.floor(row / 2) * step,
    })),
  );
  const canvas = {
    width: 8 * step + 3 * gap,
    height: Math.ceil(rows.length / 2) * step + gap,
    channels: 3 as const,
    background: "white",
  };
  await sharp({ create: canvas })
    .composite(placed)
    .png({ palette: true, quality: 90 })
    .toFile(join(assets, "held-out.png"));
} finally {
  rmSync(out, { recursive: true, force: true });
}

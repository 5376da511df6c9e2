/**
 * Fits `refine_below` of the embedded model's vision/segmenter/config.json: under which score of its own a mask of a drawing is refined. Run after every
 * export_vision.py.
 *
 *     node test/photos/refine-below.ts --composites DIR     (made by composites.py of the recipe)
 *
 * Takes the lowest threshold whose mean overlap is within 0.003 of the best: a refinement takes half a second, and people wait for it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { embeddedFolder } from "../../functions/models/catalog.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { decodeMask, overlap } from "../../functions/tensor/mask.ts";
import { readPicture } from "../../functions/tensor/pixels.ts";
import { createGrabCut, trimapLabel } from "../../functions/vision/grab-cut.ts";
import { openSegmenters } from "../../functions/vision/open-vision.ts";
import { createRefine } from "../../functions/vision/refine-mask.ts";

const { values } = parseArgs({ options: { composites: { type: "string", default: "composites" } } });
const folder = embeddedFolder;
const engine = spawnEngine({ preset: "lean", providers: ["cpu"], threads: 1 });
const { below: _fitted, ...segmenters } = openSegmenters(join(folder, "vision"), engine);
const grabCut = createGrabCut();
const refine = createRefine(segmenters, grabCut, 1.01);

// Without OpenCV every cut would leave its mask as it was, and what is fitted here would be of nothing.
const { thing, background } = trimapLabel;
const probe = Uint8Array.from({ length: 64 * 3 }, (_, i) => (i < 96 ? 200 : 40) + (i % 5));
if (!(await grabCut({ width: 8, height: 8, data: probe }, new Uint8Array(64).fill(background).fill(thing, 0, 32)))) {
  process.stderr.write(
    "refine-below: OpenCV cuts nothing here; expected @techstark/opencv-js. Run `npm ci` first; nothing was written.\n",
  );
  await engine.close();
  process.exit(1);
}

const list: readonly { readonly file: string; readonly click: readonly [number, number] }[] = JSON.parse(
  readFileSync(join(values.composites, "composites.json"), "utf8"),
);
const measured: { readonly score: number; readonly learned: number; readonly refined: number }[] = [];
for (const { file, click: at } of list) {
  const picture = await readPicture(join(values.composites, file));
  const truth = await decodeMask(readFileSync(join(values.composites, file.replace(".png", "-mask.png"))));
  const click = { x: at[0] / picture.width, y: at[1] / picture.height };
  const thing = (await (await segmenters.shown.encode(picture))(click)).find(({ level }) => level === "object");
  if (!thing) continue;
  const refined = await refine(picture, thing, { click, photograph: false });
  measured.push({
    score: thing.score,
    learned: overlap(thing.mask, truth),
    refined: overlap(refined.mask, truth),
  });
}
await engine.close();

const meanAt = (below: number): number =>
  measured.reduce((sum, { score, learned, refined }) => sum + (score < below ? refined : learned), 0) / measured.length;
const thresholds = Array.from({ length: 21 }, (_, i) => i / 20);
for (const below of thresholds) {
  const unsure = measured.filter(({ score }) => score < below);
  const worse = unsure.filter((one) => one.refined < one.learned - 0.1).length;
  const better = unsure.filter((one) => one.refined > one.learned + 0.1).length;
  process.stdout.write(
    `below ${below.toFixed(2)}: mean overlap ${meanAt(below).toFixed(4)}, ${unsure.length} refined, ${better} much better, ${worse} much worse\n`,
  );
}
const most = Math.max(...thresholds.map(meanAt));
const best = thresholds.find((below) => meanAt(below) >= most - 0.003) as number;
const path = join(folder, "vision/segmenter/config.json");
const config = JSON.parse(readFileSync(path, "utf8"));
writeFileSync(path, `${JSON.stringify({ ...config, refine_below: best }, null, 2)}\n`);
process.stdout.write(`refine_below ${best} of ${measured.length} composites\n`);

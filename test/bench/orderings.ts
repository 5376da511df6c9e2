/** `node test/bench/orderings.ts`: does a caption beat its own start, and `*`, on pictures that no part of the model has
 * seen? Loss of each on the reporting bank (64 stratified examples that training never draws), per held-out picture, mean
 * over seeds, with a bootstrap interval over pictures. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { initialise, initialiserOptions } from "../../functions/inversion/initialiser.ts";
import { learn, reportLoss } from "../../functions/inversion/learn.ts";
import { defaultsOf } from "../../functions/inversion/learn-options.ts";
import { bootstrapInterval } from "../../functions/metrics/bootstrap-interval.ts";
import { cropOnWhite } from "../../functions/tensor/crop-on-white.ts";
import { decodeMask, resizeMask } from "../../functions/tensor/mask.ts";
import { readPicture, resizePicture } from "../../functions/tensor/pixels.ts";
import { drain } from "../support/drain.ts";
import { openEmbeddedBench } from "../support/embedded-bench.ts";

const { values } = parseArgs({
  options: {
    mode: { type: "string", default: "product" },
    seeds: { type: "string", default: "3" },
    steps: { type: "string", default: "100" },
    pictures: { type: "string", default: "12" },
    rate: { type: "string" },
    threads: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
const mode = z.enum(["paper", "product"]).parse(values.mode);
const [seeds, steps, count] = [values.seeds, values.steps, values.pictures].map(Number) as [number, number, number];
const folder = join(import.meta.dirname, "..", "pictures", "held-out");
const Things = z.array(z.object({ name: z.string(), scene: z.string() }));
const things = Things.parse(JSON.parse(readFileSync(join(folder, "held-out.json"), "utf8"))).slice(0, count);

const bench = openEmbeddedBench(Number(values.threads));
const model = await bench.model();

/** Reporting-bank losses of one picture, mean over seeds. */
async function measure(name: string) {
  const picture = await readPicture(join(folder, `${name}.png`));
  const mask = await decodeMask(readFileSync(join(folder, `${name}-mask.png`)));
  const crop = cropOnWhite(picture, mask);
  const { text: caption } = await bench.vision.captioner.caption(crop);
  const [best] = await bench.vision.classifier.classify(crop, 1);
  const words = { caption, className: best?.label ?? caption };
  const square = await resizePicture(picture, { width: model.side, height: model.side, fit: "fill" });
  const sums = { captionStart: 0, caption: 0, starStart: 0, star: 0 };
  for (let seed = 0; seed < seeds; seed++) {
    const rate = values.rate === undefined ? undefined : Number(values.rate);
    const options = defaultsOf(model, mode, { steps, batch: 4, seed, learningRate: rate });
    for (const kind of ["caption", "star"] as const) {
      const initialiser = initialise(model, kind, words, initialiserOptions(mode));
      const input = { model, picture: square, mask: resizeMask(mask, model.side, model.side), initialiser, options };
      const { returned } = await drain(learn(input));
      sums[`${kind}Start`] += (await reportLoss(input, initialiser.rows)) / seeds;
      sums[kind] += (await reportLoss(input, returned.best.rows)) / seeds;
    }
  }
  return { name, words: caption, ...sums };
}

const rows: Awaited<ReturnType<typeof measure>>[] = [];
for (const { name } of things) {
  const row = await measure(name);
  rows.push(row);
  const show = (x: number): string => x.toFixed(4);
  process.stderr.write(
    `${row.name.padEnd(12)} caption ${show(row.captionStart)} → ${show(row.caption)}   * ${show(row.starStart)} → ${show(row.star)}   “${row.words}”\n`,
  );
}
await bench.close();
const wins = (better: (row: (typeof rows)[number]) => number) => ({
  wins: rows.filter((row) => better(row) > 0).length,
  of: rows.length,
  ...bootstrapInterval(rows.map(better)),
});
const report = {
  model: model.hash.slice(0, 12),
  mode,
  steps,
  seeds,
  "caption learned below caption at the start": wins((row) => row.captionStart - row.caption),
  "caption learned below * learned": wins((row) => row.star - row.caption),
  "* learned below * at the start": wins((row) => row.starStart - row.star),
  rows,
};
process.stdout.write(
  `${values.json ? JSON.stringify(report, null, 2) : JSON.stringify({ ...report, rows: undefined }, null, 2)}\n`,
);

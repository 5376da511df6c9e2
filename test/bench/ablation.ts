/** `node test/bench/ablation.ts`: every improvement of functions/inversion/variants.ts alone and jointly, on held-out things of the
 * check:model bank, by the counterfactual loss: that of `<x> in <scene>` on the true composite in scenes that learning never
 * saw. Lower is better; a difference from the paper's setting is given with its bootstrap interval over things. */
import { parseArgs } from "node:util";
import { bankLoss } from "../../functions/inversion/bank.ts";
import { counterfactualBank } from "../../functions/inversion/counterfactual-bank.ts";
import { initialise, initialiserOptions } from "../../functions/inversion/initialiser.ts";
import { learn, reportLoss } from "../../functions/inversion/learn.ts";
import { optionsOf, type Variant, variants } from "../../functions/inversion/variants.ts";
import { bootstrapInterval } from "../../functions/metrics/bootstrap-interval.ts";
import { cropOnWhite } from "../../functions/tensor/crop-on-white.ts";
import type { Mask } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { readBank, readMasks, readSheet } from "../check-model/bank.ts";
import { drain } from "../support/drain.ts";
import { openEmbeddedBench } from "../support/embedded-bench.ts";

const { values } = parseArgs({
  options: {
    things: { type: "string", default: "16" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: "100" },
    threads: { type: "string", default: "2" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
const [count, seeds, steps] = [values.things, values.seeds, values.steps].map(Number) as [number, number, number];

const { heldOut, scenes: phrases } = readBank();
const each = heldOut[0]?.scenes.length ?? 0;
const pictures = await readSheet("held-out.webp", heldOut.length * each);
const masks = await readMasks("held-out-masks.png", heldOut.length * each);
const chosen = heldOut
  .map((thing, i) => ({ ...thing, at: i * each }))
  .filter((_, i) => (i * count) % heldOut.length < count);

const bench = openEmbeddedBench(Number(values.threads));
const model = await bench.model();

/** Counterfactual and reporting-bank loss of what a variant learned of a thing from its first picture, mean over seeds. */
async function measure(variant: Variant | undefined, { at, scenes }: (typeof chosen)[number]) {
  const picture = pictures[at] as Picture;
  const mask = masks[at] as Mask;
  const [best] = await bench.vision.classifier.classify(cropOnWhite(picture, mask), 1);
  const label = best?.label ?? "thing";
  const setting = variant ?? (variants[0] as Variant);
  const words = { caption: label, className: label };
  const initialiser = initialise(model, "caption", words, initialiserOptions(setting.mode, setting.improvements));
  const composites = scenes
    .slice(1)
    .map((scene, i) => ({ scene: `a photo of a {} ${phrases[scene]}`, picture: pictures[at + 1 + i] as Picture }));
  const unseen = await counterfactualBank(model, composites, { seed: 0, size: 64 });
  const sum = { counterfactual: 0, report: 0 };
  for (let seed = 0; seed < seeds; seed++) {
    const options = optionsOf(model, setting, { steps, batch: 4, seed });
    let { rows } = initialiser;
    if (variant) {
      const { returned } = await drain(learn({ model, picture, mask, initialiser, options, className: label }));
      rows = returned.best.rows;
    }
    sum.counterfactual += (await bankLoss(model, rows, unseen, options.batch)) / seeds;
    sum.report += (await reportLoss({ model, picture, options }, rows)) / seeds;
  }
  return sum;
}

type Losses = Awaited<ReturnType<typeof measure>>;
const table = new Map<string, readonly Losses[]>();
const columns = variants.filter(
  ({ name }) => name === "paper" || values.only.split(",").some((part) => name.includes(part)),
);
for (const variant of [undefined, ...columns]) {
  const losses: Losses[] = [];
  for (const thing of chosen) losses.push(await measure(variant, thing));
  const name = variant?.name ?? "caption at step 0";
  table.set(name, losses);
  process.stderr.write(`${name.padEnd(28)} ${mean(losses.map((l) => l.counterfactual)).toFixed(4)}\n`);
}
await bench.close();

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const paper = table.get("paper") as readonly Losses[];
const rows = [...table].map(([name, losses]) => {
  const gains = losses.map((l, i) => (paper[i] as Losses).counterfactual - l.counterfactual);
  return {
    name,
    counterfactual: mean(losses.map((l) => l.counterfactual)),
    report: mean(losses.map((l) => l.report)),
    "below paper": bootstrapInterval(gains),
    wins: gains.filter((gain) => gain > 0).length,
  };
});
if (values.json) process.stdout.write(`${JSON.stringify({ things: chosen.length, seeds, steps, rows }, null, 2)}\n`);
else {
  process.stdout.write(
    `${chosen.length} held-out things × ${seeds} seeds, ${steps} steps; loss in unseen scenes, gain over paper [95 %]\n`,
  );
  for (const { name, counterfactual, report, wins, "below paper": gain } of rows) {
    const interval = `${gain.mean.toFixed(4)} [${gain.low.toFixed(4)}, ${gain.high.toFixed(4)}]`;
    process.stdout.write(
      `${name.padEnd(28)} ${counterfactual.toFixed(4)}  ${interval}  ${wins}/${chosen.length}  own picture ${report.toFixed(4)}\n`,
    );
  }
}

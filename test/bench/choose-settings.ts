/** `node test/bench/choose-settings.ts '{"two": {"improvements": {"recompositions": 2}}, "paper": {"mode": "paper"}}'`: what settings are worth in
 * drawings, each a name with improvements, a learning rate, a mode (the product's when absent) and the guidance scales to draw with
 * (the model's own when absent). Every other held-out thing, one seed; likeness, nearest of all 48 and scene as asked by both judges, after 50 and 100 steps. Settings are chosen by judge a; b is the one
 * that reports. */
import { parseArgs } from "node:util";
import { z } from "zod";
import { initialise, initialiserOptions } from "../../functions/inversion/initialiser.ts";
import { learn } from "../../functions/inversion/learn.ts";
import { defaultsOf } from "../../functions/inversion/learn-options.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { cropOnWhite } from "../../functions/tensor/crop-on-white.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { LearnMode } from "../../shared/concept.ts";
import { Improvements } from "../../shared/improvements.ts";
import { shareOut } from "../check-model/check.ts";
import { drawPrompts } from "../check-model/draw-prompts.ts";
import { type HeldOutThing, openGallery, openHeldOut } from "../check-model/gallery.ts";
import { openJudges } from "../check-model/judges.ts";
import { drain } from "../support/drain.ts";
import { openEmbeddedBench } from "../support/embedded-bench.ts";

const seed = 7000;
const looks = [50, 100];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { stride: { type: "string", default: "2" } },
});
const Setting = z.object({
  mode: LearnMode.default("product"),
  learningRate: z.number().positive().optional(),
  improvements: Improvements.default({}),
  guidance: z.array(z.number().min(1)).default([]),
});
const settings = z.record(z.string(), Setting).parse(JSON.parse(positionals[0] ?? '{"product": {}}'));

const engine = spawnEngine({ preset: "speed", providers: ["cpu"], threads: 1 });
const benches = [openEmbeddedBench(1), openEmbeddedBench(1)];
const judges = openJudges(engine);
const { things, phrases } = await openHeldOut();
const galleries = { a: await openGallery(judges.a, things), b: await openGallery(judges.b, things) };
const names = ["a", "b"] as const;

/** Names of the rows of one setting in the table: itself, or itself at each guidance scale. */
function scalesOf(name: string, guidance: readonly number[]): readonly { told: string; scale?: number }[] {
  return guidance.length ? guidance.map((scale) => ({ told: `${name}, guidance ${scale}`, scale })) : [{ told: name }];
}

type Seen = Record<(typeof names)[number], readonly { likeness: number; nearest: boolean; asked: boolean }[]>;

async function look(
  bench: (typeof benches)[number],
  { at, scenes }: HeldOutThing,
  rows: Tensor,
  scale?: number,
): Promise<Seen> {
  const places = scenes.slice(1);
  const drawn = await drawPrompts(
    bench,
    places.map((scene) => `<x> ${phrases[scene]}`),
    seed + at,
    rows,
    scale,
  );
  const judged = async (name: (typeof names)[number]) =>
    (await galleries[name].look(drawn)).map(({ vector, scene }, i) => {
      const { likeness, nearest } = galleries[name].place({ thing: at, vector });
      return { likeness, nearest, asked: scene === places[i] };
    });
  return { a: await judged("a"), b: await judged("b") };
}

const chosen = things.filter(({ at }) => at % Number(values.stride) === 0);
const seen = await shareOut(benches, chosen, async (bench, thing) => {
  const model = await bench.model();
  const crop = cropOnWhite(thing.picture, thing.mask);
  const { text } = await bench.vision.captioner.caption(crop);
  const [label] = await bench.vision.classifier.classify(crop, 1);
  const words = { caption: text, className: label?.label ?? text };
  const found: { name: string; step: number; seen: Seen }[] = [];
  for (const [name, { mode, learningRate, improvements, guidance }] of Object.entries(settings)) {
    const initialiser = initialise(model, "caption", words, initialiserOptions(mode, improvements));
    const given = { steps: 100, batch: 4, seed: seed + thing.at, learningRate };
    const options = defaultsOf(model, mode, given, improvements);
    const { picture, mask } = thing;
    const input = { model, picture, mask, initialiser, options, className: words.className };
    const { yielded, returned } = await drain(learn(input));
    for (const step of looks) {
      const state = yielded.find((one) => one.state.step === step)?.state;
      // A run that stopped early has at later steps what it had at its end; without a bank nothing is kept on the way.
      const onTheWay = step < options.steps && (options.keepBest ? state?.best.rows : state?.average);
      const rows = onTheWay || returned.best.rows;
      for (const { told, scale } of scalesOf(name, guidance)) {
        found.push({ name: told, step, seen: await look(bench, thing, rows, scale) });
      }
    }
  }
  process.stderr.write(`${thing.name}\n`);
  return found;
});
await Promise.all([...benches.map((bench) => bench.close()), engine.close()]);

const mean = (all: readonly number[]): number => all.reduce((sum, value) => sum + value, 0) / all.length;
for (const { told: name } of Object.entries(settings).flatMap(([name, { guidance }]) => scalesOf(name, guidance))) {
  for (const step of looks) {
    const of = seen.flat().filter((one) => one.name === name && one.step === step);
    const told = names.map((judge) => {
      const rows = of.flatMap((one) => one.seen[judge]);
      const share = (key: "nearest" | "asked") => `${(100 * mean(rows.map((row) => Number(row[key])))).toFixed(1)} %`;
      return `judge ${judge}: likeness ${mean(rows.map((row) => row.likeness)).toFixed(3)}, nearest ${share("nearest")}, scene ${share("asked")}`;
    });
    process.stdout.write(`${name.padEnd(24)} step ${String(step).padStart(3)}  ${told.join("; ")}\n`);
  }
}

import { learn } from "../../functions/inversion/learn.ts";
import { slideRows } from "../../functions/inversion/slide-rows.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { resizePicture } from "../../functions/tensor/pixels.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { bankSide } from "../check-model/bank.ts";
import { drawPrompts } from "../check-model/draw-prompts.ts";
import { type Gallery, likeness } from "../check-model/gallery.ts";
import type { Run } from "./plan.ts";
import { learnInput } from "./run.ts";
import type { JudgedResult } from "./store.ts";
import type { Thing } from "./things.ts";
import { withMissed } from "./with-missed.ts";

/** Steps before the last at which pictures are drawn and judged. Seeds but the first are looked at where the claims are: halfway, and
 * where the product, whose steps cost more, has taken about as long as the paper's setting in all. */
const looks = [0, 10, 25, 50, 75, 80];
const looksOfMode = { product: [50, 80], paper: [] } as const;
/** Slider strengths besides 1 that the end of a product run is drawn at: the other way along the frontier. */
const strengths = [0.5, 0.75, 1.25];
const drawSeed = 7_000;

const slides = ({ mode, seed, pictures }: Run): boolean => mode === "product" && seed === 0 && pictures === undefined;
/** Steps before the last at which a run is looked at: of several pictures only the end is compared. */
const looksOf = ({ steps, seed, mode, pictures }: Run): readonly number[] =>
  pictures === undefined ? (seed === 0 ? looks : looksOfMode[mode]).filter((step) => step < steps) : [];
/** Of one look, in steps: four pictures in twenty steps with guidance. */
const lookCost = 18;
/** How long a run takes, in steps. */
export const judgedCost = (run: Run): number =>
  run.steps + lookCost * (looksOf(run).length + 1 + (slides(run) ? strengths.length : 0));

export interface JudgedInput {
  readonly run: Run;
  readonly thing: Thing;
  readonly gallery: Gallery;
  /** Background colours that the judge knows. */
  readonly colours: readonly string[];
  readonly phrases: Readonly<Record<string, string>>;
}

type Look = JudgedResult["looks"][number];

/** Learns once; on the way draws the concept in scenes and on colours that its picture does not show, for a judge that no choice
 * was made by. `each` is told what was done, in steps. */
export async function judgeRun(
  bench: Workbench,
  { run, thing, gallery, colours, phrases }: JudgedInput,
  each: (cost: number) => void,
): Promise<Omit<JudgedResult, "key">> {
  const model = await bench.model();
  const input = learnInput(model, run, thing);
  const { at, scenes } = thing.held;
  const asked = [
    ...scenes.slice(1).map((scene) => ({ asked: "scene", wanted: scene, phrase: phrases[scene] as string }) as const),
    ...[0, 1].map((i) => {
      const wanted = colours[(at * 2 + i * 5) % colours.length] as string;
      const article = /^[aeiou]/.test(wanted) ? "an" : "a";
      return { asked: "background", wanted, phrase: `on ${article} ${wanted} background` } as const;
    }),
  ];
  const looked: Look[] = [];
  let seconds = 0;
  const look = async (step: number, rows: Tensor, strength = 1) => {
    // The same noise for every arm and setting of a thing and seed.
    const prompts = asked.map(({ phrase }) => `<x> ${phrase}`);
    const drawn = await drawPrompts(bench, prompts, drawSeed + 100 * run.seed + at, rows);
    const sized = await Promise.all(
      drawn.map((picture) => resizePicture(picture, { width: bankSide, height: bankSide, fit: "fill" })),
    );
    const judged = await gallery.look(sized);
    const [first, second] = judged as [(typeof judged)[number], (typeof judged)[number]];
    looked.push({
      ...{ step, strength, seconds },
      seen: judged.map(({ vector, scene, colour }, i) => {
        const { asked: kind, wanted } = asked[i] as (typeof asked)[number];
        return {
          asked: kind,
          followed: (kind === "scene" ? scene : colour) === wanted,
          ...gallery.place({ thing: at, vector }),
        };
      }),
      variety: 1 - likeness(first.vector, second.vector),
    });
    each(lookCost);
  };
  const loop = learn(input);
  const timed = async () => {
    const from = performance.now();
    const next = await loop.next();
    seconds += (performance.now() - from) / 1_000;
    return next;
  };
  let next = await timed();
  for (; !next.done; next = await timed()) {
    const { state, examples } = next.value;
    if (examples) each(1);
    const rows = input.options.keepBest ? state.best.rows : state.average;
    if (looksOf(run).includes(state.step)) await look(state.step, rows);
  }
  const { best, step: last } = next.value;
  await look(run.steps, best.rows);
  const end = looked.at(-1) as Look;
  if (slides(run)) {
    for (const strength of strengths) {
      await look(run.steps, slideRows(input.initialiser.rows, best.rows, strength), strength);
    }
  }
  const missed = looksOf(run).filter((step) => step > last);
  return { run, looks: [...withMissed(looked, missed, end)] };
}

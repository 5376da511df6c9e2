import { initialise } from "../../functions/inversion/initialiser.ts";
import { learn } from "../../functions/inversion/learn.ts";
import { defaultsOf } from "../../functions/inversion/learn-options.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { type Box, boundingBox, type Mask } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { cropOnWhite } from "../../functions/vision/crop.ts";
import { readBank, readMasks, readSheet } from "./bank.ts";
import { type Check, shareOut } from "./check.ts";
import { colourHistogram } from "./colour-histogram.ts";
import { drawPrompts } from "./draw-prompts.ts";
import { meanOf } from "./figure.ts";
import { type Judge, likeliest, onlyBox } from "./judges.ts";

const seed = 7000;
const steps = 100;
/** Where the model draws its subject: the middle of 64 pixels. */
const middle: Box = { left: 7, top: 8, width: 50, height: 50 };
const arms = ["product", "paper", "star", "caption"] as const;
type Arm = (typeof arms)[number];

/** Things that training never saw, learned from one picture each and drawn in two scenes: whose true composites in other
 * scenes is the drawn subject most like, by judge b's features of the subject alone? */
export const checkHeldOut: Check = async (tools) => {
  const judge = tools.judges().b;
  const { heldOut, scenes } = readBank();
  const each = heldOut[0]?.scenes.length ?? 0;
  const pictures = await readSheet("held-out.webp", heldOut.length * each);
  const masks = await readMasks("held-out-masks.png", heldOut.length * each);
  const subjects = pictures.map((picture, i) => onlyBox(picture, boundingBox(masks[i] as Mask) ?? middle));
  const features = (await judge.judge(subjects)).map((seen) => seen.features);
  const isLearned = (i: number): boolean => i % each === 0;
  const gallery = features.flatMap((vector, i) => (isLearned(i) ? [] : [{ thing: Math.floor(i / each), vector }]));
  const histograms = subjects.flatMap((picture, i) =>
    isLearned(i) ? [] : [{ thing: Math.floor(i / each), vector: colourHistogram(picture) }],
  );

  const drawn = await shareOut(tools.benches, tools.sample(heldOut), async (bench, { fact, at }) => {
    const rows = await learnArms(bench, pictures[at * each] as Picture, masks[at * each] as Mask, at);
    const places = fact.scenes.slice(1);
    const made: { arm: Arm; picture: Picture; scene: string; thing: number }[] = [];
    for (const arm of arms) {
      const prompts = places.map((scene) => `<x> ${scenes[scene]}`);
      const drawings = await drawPrompts(bench, prompts, seed + at, rows[arm]);
      made.push(...drawings.map((picture, i) => ({ arm, picture, scene: places[i] as string, thing: at })));
    }
    tools.each();
    return made;
  });

  const groups = heldOut.map(({ group }) => group);
  const judged = await judgeAll(judge, drawn.flat());
  const of = (arm: Arm) => judged.filter((row) => row.arm === arm);
  const all = (rows: readonly Query[], among = gallery) => rows.map((row) => nearest(row, among) === row.thing);
  const within = (rows: readonly Query[], among = gallery) =>
    rows.map(
      (row) =>
        nearest(
          row,
          among.filter(({ thing }) => groups[thing] === groups[row.thing]),
        ) === row.thing,
    );
  const scene = (arm: Arm) =>
    meanOf(
      `held out, ${arm}: scene`,
      of(arm).map((row) => row.sceneHit),
    );
  const [product, caption] = [
    meanOf("held out, product: nearest of all", all(of("product")), 0.6),
    meanOf("held out, caption only: nearest of all", all(of("caption"))),
  ];
  const byColour = of("product").map(({ picture, thing }) => ({
    thing,
    vector: colourHistogram(onlyBox(picture, middle)),
  }));
  const real = features.flatMap((vector, i) => (isLearned(i) ? [{ thing: Math.floor(i / each), vector }] : []));
  const [shown, plain] = [scene("product"), scene("caption")];
  return [
    product,
    meanOf("held out, product: nearest in its four", within(of("product")), 0.5),
    meanOf("held out, paper mode: nearest of all", all(of("paper")), 0.6),
    meanOf("held out, paper mode: nearest in its four", within(of("paper")), 0.5),
    meanOf("held out, *: nearest of all", all(of("star"))),
    meanOf("held out, *: nearest in its four", within(of("star"))),
    caption,
    meanOf("held out, caption only: nearest in its four", within(of("caption"))),
    {
      name: "held out: product − caption only",
      value: product.value - caption.value,
      count: product.count,
      goal: 0.25,
    },
    meanOf("held out, product, by colour histogram: nearest of all", all(byColour, histograms)),
    meanOf("held out, true pictures (ceiling): nearest of all", all(real)),
    meanOf("held out, true pictures (ceiling): nearest in its four", within(real)),
    shown,
    plain,
    {
      name: "held out: scene, product ÷ plain prompt",
      value: shown.value / plain.value,
      count: shown.count,
      goal: 0.85,
    },
  ];
};

/** What is compared: a thing's place in the bank and a vector. */
interface Query {
  readonly thing: number;
  readonly vector: Float32Array;
}

const likeness = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** The thing of the likeliest gallery picture. */
function nearest({ vector }: Query, among: readonly Query[]): number | undefined {
  let best: { thing: number; score: number } | undefined;
  for (const { thing, vector: other } of among) {
    const score = likeness(vector, other);
    if (!best || score > best.score) best = { thing, score };
  }
  return best?.thing;
}

/** Rows of every arm: learned in product and paper mode, learned from `*`, and the caption's own. */
async function learnArms(bench: Workbench, picture: Picture, mask: Mask, at: number): Promise<Record<Arm, Tensor>> {
  const model = await bench.model();
  const crop = cropOnWhite(picture, mask);
  const { text } = await bench.vision.captioner.caption(crop);
  const [label] = await bench.vision.classifier.classify(crop, 1);
  const words = { caption: text, className: label?.label ?? text };
  const rowsOf = async (mode: "product" | "paper", kind: "caption" | "star") => {
    const initialiser = initialise(model, kind, words, { keepArticle: mode === "paper" });
    const options = defaultsOf(model, mode, { steps, batch: 4, seed: seed + at });
    const loop = learn({ model, picture, mask, initialiser, options, className: words.className });
    let next = await loop.next();
    while (!next.done) next = await loop.next();
    return next.value.best.rows;
  };
  return {
    product: await rowsOf("product", "caption"),
    paper: await rowsOf("paper", "caption"),
    star: await rowsOf("product", "star"),
    caption: initialise(model, "caption", words, { keepArticle: false }).rows,
  };
}

async function judgeAll<T extends { readonly picture: Picture; readonly scene: string }>(
  judge: Judge,
  rows: readonly T[],
) {
  const whole = await judge.judge(rows.map(({ picture }) => picture));
  const alone = await judge.judge(rows.map(({ picture }) => onlyBox(picture, middle)));
  return rows.map((row, i) => ({
    ...row,
    vector: alone[i]?.features ?? new Float32Array(),
    sceneHit: judge.scenes[likeliest(whole[i]?.scene ?? new Float32Array())] === row.scene,
  }));
}

import { initialise, initialiserOptions } from "../../functions/inversion/initialiser.ts";
import { learn } from "../../functions/inversion/learn.ts";
import { defaultsOf } from "../../functions/inversion/learn-options.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { cropOnWhite } from "../../functions/tensor/crop-on-white.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { drain } from "../support/drain.ts";
import { type Check, shareOut } from "./check.ts";
import { colourHistogram } from "./colour-histogram.ts";
import { drawPrompts } from "./draw-prompts.ts";
import { meanOf } from "./figure.ts";
import { type HeldOutThing, middle, nearest, openGallery, openHeldOut } from "./gallery.ts";
import { onlyBox } from "./judges.ts";

const seed = 7000;
const steps = 100;
type Arm = "product" | "paper" | "star" | "caption";
/** `*` has no goal and stands beside: every fourth thing is learned from it. */
const starEvery = 4;

/** Things that training never saw, learned from one picture each and drawn in two scenes: whose true composites in other
 * scenes is the drawn subject most like, by judge b's features of the subject alone? */
export const checkHeldOut: Check = async (tools) => {
  const { things, phrases } = await openHeldOut();
  const gallery = await openGallery(tools.judges().b, things);
  const drawn = await shareOut(tools.benches, tools.sample(things), async (bench, { fact: thing, at }) => {
    const rows = await learnArms(bench, thing);
    const places = thing.scenes.slice(1);
    const made: { arm: Arm; picture: Picture; scene: string; thing: number }[] = [];
    for (const [arm, learned] of Object.entries(rows) as [Arm, Tensor][]) {
      const prompts = places.map((scene) => `<x> ${phrases[scene]}`);
      const drawings = await drawPrompts(bench, prompts, seed + at, learned);
      made.push(...drawings.map((picture, i) => ({ arm, picture, scene: places[i] as string, thing: at })));
    }
    tools.each();
    return made;
  });

  const pictures = drawn.flat();
  const seen = await gallery.look(pictures.map(({ picture }) => picture));
  const judged = pictures.map((row, i) => {
    const { vector, scene } = seen[i] as (typeof seen)[number];
    return { ...row, ...gallery.place({ thing: row.thing, vector }), sceneHit: scene === row.scene };
  });
  const of = (arm: Arm) => judged.filter((row) => row.arm === arm);
  const figureOf = (arm: Arm, name: string, of4: boolean, goal?: number) =>
    meanOf(
      `held out, ${name}: nearest ${of4 ? "in its four" : "of all"}`,
      of(arm).map((row) => (of4 ? row.nearestInFour : row.nearest)),
      goal,
    );
  const scene = (arm: Arm) =>
    meanOf(
      `held out, ${arm}: scene`,
      of(arm).map((row) => row.sceneHit),
    );
  const product = figureOf("product", "product", false, 0.6);
  const caption = figureOf("caption", "caption only", false);
  const histograms = things.flatMap(({ at, subjects }) =>
    subjects.slice(1).map((picture) => ({ thing: at, vector: colourHistogram(picture) })),
  );
  const byColour = of("product").map(
    ({ picture, thing }) => nearest(colourHistogram(onlyBox(picture, middle)), histograms) === thing,
  );
  const ceiling = gallery.learned.map(gallery.place);
  const [shown, plain] = [scene("product"), scene("caption")];
  return [
    product,
    figureOf("product", "product", true, 0.5),
    figureOf("paper", "paper mode", false, 0.6),
    figureOf("paper", "paper mode", true, 0.5),
    figureOf("star", "*", false),
    figureOf("star", "*", true),
    caption,
    figureOf("caption", "caption only", true),
    {
      name: "held out: product − caption only",
      value: product.value - caption.value,
      count: product.count,
      goal: 0.25,
    },
    meanOf("held out, product, by colour histogram: nearest of all", byColour),
    meanOf(
      "held out, true pictures (ceiling): nearest of all",
      ceiling.map((row) => row.nearest),
    ),
    meanOf(
      "held out, true pictures (ceiling): nearest in its four",
      ceiling.map((row) => row.nearestInFour),
    ),
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

/** Rows of every arm: learned in product and paper mode, learned from `*` as in the paper, and the caption's own. */
async function learnArms(bench: Workbench, { picture, mask, at }: HeldOutThing): Promise<Partial<Record<Arm, Tensor>>> {
  const model = await bench.model();
  const crop = cropOnWhite(picture, mask);
  const { text } = await bench.vision.captioner.caption(crop);
  const [label] = await bench.vision.classifier.classify(crop, 1);
  const words = { caption: text, className: label?.label ?? text };
  const rowsOf = async (mode: "product" | "paper", kind: "caption" | "star") => {
    const initialiser = initialise(model, kind, words, initialiserOptions(mode));
    const options = defaultsOf(model, mode, { steps, batch: 4, seed: seed + at });
    const { returned } = await drain(learn({ model, picture, mask, initialiser, options, className: words.className }));
    return returned.best.rows;
  };
  return {
    product: await rowsOf("product", "caption"),
    paper: await rowsOf("paper", "caption"),
    ...(at % starEvery === 0 && { star: await rowsOf("paper", "star") }),
    caption: initialise(model, "caption", words, { keepArticle: false }).rows,
  };
}

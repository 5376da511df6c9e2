import { type Initialiser, initialise, initialiserOptions } from "../../functions/inversion/initialiser.ts";
import type { OpenedModel } from "../../functions/models/open-model.ts";
import { integers } from "../../functions/tensor/noise.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { readBank } from "../check-model/bank.ts";
import type { Run } from "./plan.ts";
import type { Thing } from "./things.ts";

type Reader = Pick<OpenedModel, "tokenizer" | "embed" | "width">;

/** The subjects that the embedded model knows: ordinary words to any other. */
export const knownSubjects: readonly string[] = [...new Set(readBank().crops.map(({ word }) => word))];
const knownColours = [...new Set(readBank().crops.flatMap(({ colour }) => colour ?? []))].toSorted();

/** True of every picture and telling nothing of it: the one word of this kind that the embedded model has seen. */
const hypernym = "emoji";

/** Where the rows of a run start, as its mode and improvements have it.
 * @throws UserError bad_request when the words are too long for the model */
export function initialRows(
  model: Reader,
  { arm, mode, improvements = {}, seed = 0 }: Pick<Run, "arm" | "mode"> & Partial<Pick<Run, "seed" | "improvements">>,
  { words }: Pick<Thing, "words">,
): Initialiser {
  const options = initialiserOptions(mode, improvements);
  const captioned = (caption: string) => initialise(model, "caption", { ...words, caption }, options);
  const classed = (className: string) => initialise(model, "class", { ...words, className }, options);
  const random = (count: number) => {
    const chosen = integers(count, knownSubjects.length, {
      seed,
      stream: ["paper", words.caption, words.rightCaption],
    });
    return chosen.map((i) => knownSubjects[i] as string).join(" ");
  };
  switch (arm) {
    case "star":
    case "class":
    case "caption":
    case "stars":
      return initialise(model, arm, words, options);
    case "class, clicked":
      return classed(words.clickedClass);
    case "right caption":
      return captioned(words.rightCaption);
    case "wrong caption":
      return captioned(wrongCaption(words.caption));
    case "hypernym":
      return classed(hypernym);
    case "random word":
      return classed(random(1));
    case "random words":
      return captioned(random(captioned(words.caption).ids.length));
    case "mean row":
      return meanRow(model);
    default:
      return captioned(Array.from({ length: Number(arm.split(" ")[1]) }, () => "*").join(" "));
  }
}

/** The same sentence, word for word, with other colours and subjects in place of its own: right in length and form, wrong in what
 * it says. */
export function wrongCaption(caption: string): string {
  const subjects = knownSubjects.filter((word) => !word.includes(" "));
  return caption
    .split(" ")
    .map((word) => {
      const list = [knownColours, subjects].find((words) => words.includes(word)) ?? [word];
      return list[(list.indexOf(word) + (list.length >> 1)) % list.length] as string;
    })
    .join(" ");
}

/** One row, the mean of those of all known subjects: a start that is as long as a word and says nothing. */
function meanRow(model: Reader): Initialiser {
  const ids = [...new Set(knownSubjects.flatMap((word) => model.tokenizer.encode(word)))];
  const { data } = model.embed(ids);
  const mean = new Float32Array(model.width);
  for (const [i, value] of data.entries()) {
    mean[i % model.width] = (mean[i % model.width] as number) + value / ids.length;
  }
  return { kind: "star", text: "mean of known words", ids: ids.slice(0, 1), rows: tensor(mean, [1, model.width]) };
}

/** Share of the known subjects' rows that are shorter than that of `*`, 0–1: outside 0.1–0.9 it is a straw man. */
export function starPercentile(model: Reader): number {
  const normsOf = (text: string): number[] => {
    const ids = model.tokenizer.encode(text);
    const { data } = model.embed(ids);
    return ids.map((_, i) => Math.hypot(...data.subarray(i * model.width, (i + 1) * model.width)));
  };
  const star = normsOf("*")[0] as number;
  const norms = knownSubjects.flatMap(normsOf);
  return norms.filter((norm) => norm < star).length / norms.length;
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { editDistance } from "../../shared/did-you-mean.ts";
import { beginning } from "../../shared/short.ts";
import { readConfig } from "./component.ts";

/** Lists every word that a small checkpoint was trained on. */
const Vocabulary = z.looseObject({ words: z.array(z.string()) });
/** Words that it was not trained on → words that mean something near, the nearest first, with spaces between. */
const NearWords = z.record(z.string(), z.string());

/** A word of a text that the model never saw, and two that it knows: near by meaning where that is known, else by spelling. */
export interface UnknownWord {
  readonly word: string;
  readonly near: readonly string[];
}

const offered = 2;
/** Shorter ones (a, in, on) are no help to anybody. */
const leastLetters = 3;

/** Reads `vocabulary.json` and, where it exists, `near-words.json` of a checkpoint folder and says which words of a text, each
 * once, are not in it; none are where there is no vocabulary. @throws UserError bad_config */
export function unknownWords(folder: string): (text: string) => readonly UnknownWord[] {
  const path = join(folder, "vocabulary.json");
  if (!existsSync(path)) return () => [];
  const known = new Set(readConfig(path, Vocabulary).words.flatMap(wordsOf));
  const nearPath = join(folder, "near-words.json");
  const meanings = new Map(existsSync(nearPath) ? Object.entries(readConfig(nearPath, NearWords)) : []);

  const near = (word: string): readonly string[] => {
    const meant = (meanings.get(word) ?? meanings.get(singular(word)) ?? "").split(" ").filter((it) => known.has(it));
    const spelt = [...known]
      .filter((it) => it.length >= leastLetters)
      .map((it) => ({ word: it, edits: editDistance(word.slice(0, 64), it) }))
      .sort((a, b) => a.edits - b.edits);
    // A slip of the finger beats a kinship of meaning: "gutar" is a guitar.
    const slips = spelt.filter(({ edits }) => edits === 1).map((it) => it.word);
    return [...new Set([...slips, ...meant, ...spelt.map((it) => it.word)])].slice(0, offered);
  };
  return (text) =>
    [...new Set(wordsOf(text))].filter((word) => !known.has(word)).map((word) => ({ word, near: near(word) }));
}

const singular = (word: string): string => word.replace(/s$/, "");

/** Words as people count them: letters or digits in a row, without "'s" and its like. */
const wordsOf = (text: string): readonly string[] =>
  text
    .normalize("NFC")
    .toLowerCase()
    .replace(/['’](?:s|t|re|ve|m|ll|d)(?!\p{L})/gu, "")
    .match(/\p{L}+|\p{N}+/gu) ?? [];

/** At most this many are listed: notes are short. */
const mostListed = 6;

/** For people: This model has never seen “kitten” (try “cat” or “dog”). Undefined when every word is known. */
export function unknownWordsNote(unknown: readonly UnknownWord[]): string | undefined {
  if (unknown.length === 0) return undefined;
  const list = unknown.slice(0, mostListed).map(({ word, near }) => {
    const hint = near.length > 0 ? ` (try ${near.map((it) => `“${it}”`).join(" or ")})` : "";
    return `“${beginning(word, 32)}”${hint}`;
  });
  const more = unknown.length > mostListed ? ` and ${unknown.length - mostListed} more` : "";
  return `This model has never seen ${list.join(", ")}${more}.`;
}

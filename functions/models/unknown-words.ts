import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readConfig } from "./component.ts";

/** Lists every word that a small checkpoint was trained on. */
const Vocabulary = z.looseObject({ words: z.array(z.string()) });

/** Reads `vocabulary.json` of a checkpoint folder and says which words of a text, each once, are not in it; none are
 * where there is no such file. @throws UserError bad_config */
export function unknownWords(folder: string): (text: string) => readonly string[] {
  const path = join(folder, "vocabulary.json");
  if (!existsSync(path)) return () => [];
  const known = new Set(readConfig(path, Vocabulary).words.flatMap(wordsOf));
  return (text) => [...new Set(wordsOf(text))].filter((word) => !known.has(word));
}

/** Words as people count them: letters or digits in a row, without "'s" and its like. */
const wordsOf = (text: string): readonly string[] =>
  text
    .normalize("NFC")
    .toLowerCase()
    .replace(/['’](?:s|t|re|ve|m|ll|d)(?!\p{L})/gu, "")
    .match(/\p{L}+|\p{N}+/gu) ?? [];

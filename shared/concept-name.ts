import { z } from "zod";
import { unmask } from "./confusables.ts";
import { UserError } from "./error.ts";
import { limits } from "./limits.ts";

/** Scripts that one name may mix (Unicode Technical Standard 39, "highly restrictive"); any other mixture is refused. */
const mixtures: readonly (readonly string[])[] = [
  ["Latin", "Han", "Hiragana", "Katakana"],
  ["Latin", "Han", "Bopomofo"],
  ["Latin", "Han", "Hangul"],
];

/** Scripts in everyday use. The rarer ones count together as one further script. */
const scripts = (
  "Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Nko Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu " +
  "Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Hangul Ethiopic Cherokee Canadian_Aboriginal Khmer " +
  "Mongolian Hiragana Katakana Bopomofo Han Yi Lisu Vai Bamum Javanese Balinese Tifinagh Adlam Osage"
)
  .split(" ")
  .map((name) => ({ name, test: new RegExp(`\\p{Script_Extensions=${name}}`, "u") }));

const common = /[\p{Script=Common}\p{Script=Inherited}]/u;
const commonOnly = /^[\p{Script_Extensions=Common}\p{Script_Extensions=Inherited}]$/u;

function scriptsOf(character: string): readonly string[] {
  if (commonOnly.test(character)) return [];
  const names = scripts.filter(({ test }) => test.test(character)).map(({ name }) => name);
  if (names.length > 0) return names;
  return common.test(character) ? [] : ["other"];
}

/** True when one script, or one of the permitted mixtures, has every character. */
function readsAsOneScript(characters: readonly string[]): boolean {
  const sets = characters.map(scriptsOf).filter((names) => names.length > 0);
  const covers = (permitted: readonly string[]) =>
    sets.every((names) => names.some((name) => permitted.includes(name)));
  return (sets[0] ?? ["Latin"]).some((name) => covers([name])) || mixtures.some(covers);
}

/** Why a normalised text is no concept name, or undefined when it is one. */
function faultOf(name: string): string | undefined {
  const characters = Array.from(name);
  const max = limits.maxConceptNameCharacters;
  if (characters.length === 0) return "is empty";
  if (characters.length > max) return `has ${characters.length} characters; a name has 1 to ${max}`;
  const bad = characters.find((character) => !/[\p{L}\p{M}\p{Nd}_-]/u.test(character));
  if (bad !== undefined) return `contains ${JSON.stringify(bad)}; a name has letters, digits, "_" and "-"`;
  if (!/^[\p{L}\p{Nd}]/u.test(name)) return "has to begin with a letter or a digit";
  if (/\p{M}{4}/u.test(name)) return "has more than three accents on one letter";
  if (/\p{Default_Ignorable_Code_Point}/u.test(name)) return "contains an invisible character";
  if (!readsAsOneScript(characters)) return "mixes letters of different scripts, which can look alike; use one script";
  const seen = unmask(name);
  if (
    seen !== name &&
    Array.from(seen).every((character) => /[\p{Script=Latin}\p{Script=Common}\p{M}]/u.test(character))
  ) {
    return `looks like ${JSON.stringify(seen)} without being it; write it in Latin letters or choose another name`;
  }
  return undefined;
}

/** NFKC and lower case: `<MyCat>` and `<mycat>` are one name, as Discord command names are. */
const normalize = (text: string): string => text.normalize("NFKC").toLowerCase().normalize("NFKC");

/** A concept's name: 1–32 letters and digits (marks included) of one script, `_` and `-`, beginning with a letter or digit,
 * NFKC and lower case; parsing normalises. Look-alikes of Latin names are refused (Unicode Technical Standard 39). */
export const ConceptName = z
  .string()
  .max(4 * limits.maxConceptNameCharacters, `a name has 1 to ${limits.maxConceptNameCharacters} characters`)
  .transform(normalize)
  .superRefine((name, context) => {
    const fault = faultOf(name);
    if (fault !== undefined) context.addIssue({ code: "custom", message: `${JSON.stringify(name)} ${fault}` });
  });
export type ConceptName = string;

/** The normalised name. @throws UserError bad_concept that says what is wrong with it */
export function conceptName(text: string): ConceptName {
  const parsed = ConceptName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UserError("bad_concept", `not a concept name: ${parsed.error.issues[0]?.message}`);
}

/** A name made from a caption or file name, e.g. "A red tea-kettle!" → "red-tea-kettle"; "concept" when nothing is left. */
export function suggestConceptName(text: string): ConceptName {
  const words = normalize(text.slice(0, 500))
    .replace(/^(an?|the)\s+/, "")
    .replace(/[^\p{L}\p{M}\p{Nd}_]+/gu, "-");
  const short = Array.from(words).slice(0, limits.maxConceptNameCharacters).join("");
  const name = short.replace(/^[^\p{L}\p{Nd}]+|[-_]+$/gu, "");
  return ConceptName.safeParse(name).success ? name : "concept";
}

/** File names that Windows keeps for devices. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** An ASCII file name (no ending) for a concept name: the name itself where it is ASCII, else its ASCII part and a hash of
 * the whole, so that two names never share a file. Other tools take the file name as the trigger word. */
export function asciiFileName(name: ConceptName): string {
  if (/^[\x20-\x7e]*$/.test(name) && !reserved.test(name)) return name;
  const ascii = name.normalize("NFKD").replace(/[^a-z0-9_-]/g, "");
  let hash = 0x811c9dc5; // FNV-1a, 32 bits
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${/^[a-z0-9]/.test(ascii) ? ascii : `concept${ascii}`}-${hash.toString(16).padStart(8, "0")}`;
}

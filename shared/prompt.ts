import { type ConceptName, conceptName } from "./concept-name.ts";
import { UserError } from "./error.ts";
import { limits } from "./limits.ts";

/** A concept as a prompt names it: mine → this server → public, or exactly the owner's. */
export interface ConceptReference {
  /** Exactly this version, as a parent of the saved blend of that name; never from text. */
  readonly pin?: { readonly id: string; readonly version: number; readonly blend: string };
  /** Id or user name of the owner, from `<owner/name>`. */
  readonly owner?: string;
  readonly name: ConceptName;
  /** From `<name:0.7>`: how far from what the concept began as (0) to what it learned (1), to limits.maxConceptStrength. What
   * holds for the whole prompt when absent. */
  readonly strength?: number;
  /** What surrounding `(…:1.2)` multiply to, 0–2; 1 when absent. */
  readonly weight?: number;
}

/** One term of a blend, with its share (0–1.5): a concept or plain words. A single word without owner is the concept of that
 * name, and the word itself where the viewer sees none. Shares are relative: the blend is their weighted mean. */
export type BlendTerm = (ConceptReference | { readonly words: string }) & { readonly weight: number };

/** Text, a concept, or a blend of concepts. `weight` (0–2, 1 when absent) is what surrounding `(…:1.2)` multiply to. */
export type PromptPart =
  | { readonly text: string; readonly weight?: number }
  | { readonly concept: ConceptReference }
  | { readonly blend: readonly BlendTerm[]; readonly weight?: number };

const maxWeight = 2;
const maxShare = 1.5;
const maxBlendTerms = 4;
const escapable = "\\<>():";
const number = String.raw`\d{1,3}(?:\.\d{1,6})?|\.\d{1,6}`;
const reference = new RegExp(String.raw`^(?:([^\s<>/+*:]{1,64})/)?([^\s<>/+*:]+)(?::(${number}))?$`);
const blendTerm = new RegExp(String.raw`^(?:([^\s<>/+*:]{1,64})/)?([^<>/+*:]*[^\s<>/+*:])\s*(?:\*\s*(${number}))?$`);
const embedding = /embedding:([\p{L}\p{M}\p{Nd}_.-]+)/iuy;
const groupEnd = new RegExp(String.raw`:\s*(${number})\s*\)`, "y");

const fail = (message: string): never => {
  throw new UserError("bad_prompt", message);
};

function weightOf(digits: string, where: string, kind = "weight", max = maxWeight): number {
  const weight = Number(digits);
  return weight <= max ? weight : fail(`${where}: a ${kind} goes from 0 to ${max}, got ${digits}`);
}

function strengthOf(digits: string, where: string): number {
  const strength = Number(digits);
  const most = limits.maxConceptStrength;
  if (strength <= most) return strength;
  return fail(
    `${where}: a strength goes from 0 (what the concept began as) over 1 (what it learned) to ${most}, got ${digits}; for emphasis write (${where.replace(/:.*>$/, ">")}:1.3)`,
  );
}

function nameOf(text: string, where: string): ConceptName {
  try {
    return conceptName(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(`${where}: ${reason}; write \\< where you mean a plain <`);
  }
}

function referenceOf(owner: string | undefined, name: string, where: string): ConceptReference {
  return owner === undefined ? { name: nameOf(name, where) } : { owner, name: nameOf(name, where) };
}

/** What stands between `<` and `>`. */
function parseAngle(inside: string): PromptPart {
  const where = `<${inside}>`;
  if (/^(lora|lyco|locon|hypernet):/i.test(inside)) {
    const kind = inside.slice(0, inside.indexOf(":"));
    fail(
      `${where}: ${kind} files change the model itself and are not supported here; concepts are words. Leave it out`,
    );
  }
  if (/^([@#]|a?:\w+:\d|t:\d{6}|id:[a-z]|\/.*:\d)/.test(inside))
    fail(`${where}: mentions and custom emoji cannot be drawn; use words`);
  if (inside.includes("+") || inside.includes("*")) return parseBlend(inside, where);
  const match = reference.exec(inside.trim());
  if (match === null) {
    return fail(
      `${where}: expected <name>, <owner/name> or <name:strength>, without spaces; write \\< where you mean a plain <`,
    );
  }
  const concept = referenceOf(match[1], match[2] ?? "", where);
  return { concept: match[3] === undefined ? concept : { ...concept, strength: strengthOf(match[3], where) } };
}

function parseBlend(inside: string, where: string): PromptPart {
  const pieces = inside.split("+");
  if (pieces.length < 2 || pieces.length > maxBlendTerms) {
    fail(`${where}: a blend has 2 to ${maxBlendTerms} parts like <a*0.6+b*0.4>, got ${pieces.length}`);
  }
  const terms = pieces.map((piece) => blendTermOf(piece.trim(), where));
  const given = terms.filter(({ weight }) => weight !== undefined).length;
  if (given !== 0 && given !== terms.length) fail(`${where}: give every part of a blend a share, or none`);
  const blend = terms.map((term) => ({ ...term, weight: term.weight ?? 1 / terms.length }));
  return blend.some(({ weight }) => weight > 0) ? { blend } : fail(`${where}: the shares of a blend must not all be 0`);
}

function blendTermOf(piece: string, where: string) {
  const [, owner, name = "", digits] = blendTerm.exec(piece) ?? fail(blendFault(piece, where));
  const weight = digits === undefined ? undefined : weightOf(digits, where, "share", maxShare);
  if (!/\s/.test(name)) return { ...referenceOf(owner, name, where), weight };
  return owner === undefined ? { words: name.replace(/\s+/g, " "), weight } : fail(blendFault(piece, where));
}

function blendFault(piece: string, where: string): string {
  if (piece.includes(":"))
    return `${where}: a part of a blend takes a share (*0.6) and no other weight; leave out ":…"`;
  return `${where}: expected a blend like <a*0.6+b*0.4>, of names or plain words, cannot read "${piece}"`;
}

/** Rounded, so that nested weights print and parse back the same. */
const times = (a: number, b: number): number => Math.min(maxWeight, Number((a * b).toFixed(6)));

function weighted<T extends { readonly weight?: number }>(part: T, factor: number): T {
  const { weight: old, ...rest } = part;
  const weight = times(old ?? 1, factor);
  return (weight === 1 ? rest : { ...rest, weight }) as T;
}

const scale = (part: PromptPart, factor: number): PromptPart =>
  "concept" in part ? { concept: weighted(part.concept, factor) } : weighted(part, factor);

/** Joins neighbouring texts of one weight and drops empty ones. */
function merge(parts: readonly PromptPart[]): PromptPart[] {
  const merged: PromptPart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if ("text" in part && part.text === "") continue;
    if (last !== undefined && "text" in last && "text" in part && last.weight === part.weight) {
      merged[merged.length - 1] = { ...last, text: last.text + part.text };
    } else {
      merged.push(part);
    }
  }
  return merged;
}

/** Reads a prompt: `<name>`, `<owner/name>`, `<name:0.8>` (of 0.8 strength), `<a*0.6+red dragon*0.4>` (or `<a+b>`, equal shares), `embedding:name` and
 * `(…:1.2)` as other tools write them. `\` before one of `< > ( ) : \` takes it literally. A `<` before a space, `=` or `-`,
 * or with no `>` after it on its line, is text.
 * @throws UserError bad_prompt | too_large */
export function parsePrompt(prompt: string): readonly PromptPart[] {
  if (prompt.length > limits.maxPromptCharacters) {
    throw new UserError(
      "too_large",
      `a prompt has at most ${limits.maxPromptCharacters} characters, got ${prompt.length}`,
    );
  }
  const parts: PromptPart[] = [];
  const open: number[] = []; // indices of parts that are an unmatched "("
  let at = 0;
  while (at < prompt.length) {
    const character = prompt[at] ?? "";
    const next = prompt[at + 1];
    if (character === "\\" && next !== undefined && escapable.includes(next)) {
      parts.push({ text: next });
      at += 2;
    } else if (character === "<") {
      at = readAngle(prompt, at, parts);
    } else if (character === "(") {
      open.push(parts.length);
      parts.push({ text: "(" });
      at += 1;
    } else if (character === ")") {
      open.pop();
      parts.push({ text: ")" });
      at += 1;
    } else if (character === ":" && open.length > 0) {
      at = readGroupEnd(prompt, at, parts, open);
    } else {
      at = readWord(prompt, at, parts);
    }
  }
  return merge(parts);
}

/** At `<`: a concept, or a plain `<`. Returns where to go on. */
function readAngle(prompt: string, at: number, parts: PromptPart[]): number {
  const inside = /^<([^<>\n]*)>/.exec(prompt.slice(at))?.[1];
  if (inside === undefined || /^(\s|[=-]|$)/.test(inside)) {
    parts.push({ text: "<" });
    return at + 1;
  }
  parts.push(parseAngle(inside));
  return at + inside.length + 2;
}

/** At `:` inside parentheses: the weight that ends the group, or a plain `:`. */
function readGroupEnd(prompt: string, at: number, parts: PromptPart[], open: number[]): number {
  groupEnd.lastIndex = at;
  const match = groupEnd.exec(prompt);
  const start = open.at(-1);
  if (match === null || start === undefined) {
    parts.push({ text: ":" });
    return at + 1;
  }
  open.pop();
  const factor = weightOf(match[1] ?? "1", `(…${match[0]}`);
  const group = parts.splice(start).slice(1);
  parts.push(...group.map((part) => scale(part, factor)));
  return at + match[0].length;
}

/** A run of ordinary characters, or `embedding:name` at the beginning of a word. */
function readWord(prompt: string, at: number, parts: PromptPart[]): number {
  embedding.lastIndex = at;
  const match = /[\p{L}\p{N}]$/u.test(prompt.slice(0, at)) ? null : embedding.exec(prompt);
  if (match !== null) {
    const word = match[0].replace(/\.+$/, ""); // a full stop ends a sentence, not a name
    const bare = word.slice(word.indexOf(":") + 1).replace(/\.(pt|bin|safetensors|png|webp)$/i, "");
    parts.push({ concept: { name: nameOf(bare, word) } });
    return at + word.length;
  }
  parts.push({ text: prompt[at] ?? "" });
  return at + 1;
}

const escapeText = (text: string): string => text.replace(/[\\<>():]/g, (character) => `\\${character}`);

const printTerm = (term: BlendTerm): string => ("words" in term ? term.words : printReference(term));

const printReference = ({ owner, name }: ConceptReference): string => (owner === undefined ? name : `${owner}/${name}`);

function printPart(part: PromptPart): string {
  if ("concept" in part) {
    const { strength, weight: emphasis } = part.concept;
    const concept = `<${printReference(part.concept)}${strength === undefined ? "" : `:${strength}`}>`;
    return emphasis === undefined ? concept : `(${concept}:${emphasis})`;
  }
  const inner =
    "text" in part
      ? escapeText(part.text)
      : `<${part.blend.map((term) => `${printTerm(term)}*${Number(term.weight.toFixed(6))}`).join("+")}>`;
  return part.weight === undefined ? inner : `(${inner}:${part.weight})`;
}

/** The inverse of `parsePrompt`: parsing the result gives the same parts. */
export const printPrompt = (parts: readonly PromptPart[]): string => parts.map(printPart).join("");

/** A concept that a prompt names; `orWord` where it may be a plain word instead, in a blend. */
export type NamedConcept = ConceptReference & { readonly orWord?: true };

/** Every concept that the prompt names, or may name, in order. */
export const referencesOf = (parts: readonly PromptPart[]): readonly NamedConcept[] =>
  parts.flatMap((part): readonly NamedConcept[] => {
    if ("concept" in part) return [part.concept];
    if (!("blend" in part)) return [];
    return part.blend.flatMap((term) =>
      "words" in term ? [] : [term.owner === undefined ? { ...term, orWord: true as const } : term],
    );
  });

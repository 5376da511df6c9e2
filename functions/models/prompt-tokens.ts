import { UserError } from "../../shared/error.ts";
import { beginning } from "../../shared/short.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import type { Model, Tokenizer } from "./model.ts";

/** A prompt in order: plain text, and concepts as the embedding rows that stand in their place. */
export type PromptPart = string | ConceptRows;

/** n rows of width D for one concept, in its order. */
export interface ConceptRows {
  /** As people write it, for messages. */
  readonly name: string;
  /** f32 [n, D]. */
  readonly rows: Tensor;
}

/** A prompt as the text encoder takes it. T tokens, D embedding width. */
export interface PromptTokens {
  /** Before position embeddings: f32 [T, D]. `stack` several for `Model.encodeText`. */
  readonly embeddings: Tensor;
  /** Where the concepts' rows went, in the order of the prompt: rows start…start + count − 1 of `embeddings`. */
  readonly concepts: readonly ConceptPlace[];
  /** Tokens before the padding, begin and end included. */
  readonly used: number;
  /** What had to be left out, for the person who wrote the prompt. */
  readonly warnings: readonly string[];
}

export interface ConceptPlace {
  readonly name: string;
  readonly start: number;
  readonly count: number;
}

/** Builds begin, tokens and concept rows, end, padding. Text beyond T is left out, as the text encoder was trained;
 * concepts never are, not even in part.
 * @throws UserError bad_prompt when a concept does not fit, bad_concept when its rows are not of this model's width */
export function promptTokens(
  { tokenizer, width, embed }: Pick<Model, "tokenizer" | "width" | "embed">,
  parts: readonly PromptPart[],
): PromptTokens {
  const { beginId, endId, padId, length } = tokenizer;
  const room = length - 2;
  const ids: number[] = [beginId];
  const concepts: (ConceptPlace & { readonly rows: Tensor })[] = [];
  for (const part of parts) {
    if (typeof part === "string") {
      ids.push(...tokenizer.encode(part));
    } else {
      const count = rowCount(part, width);
      assertFits(part.name, count, ids.length - 1, room);
      concepts.push({ ...part, start: ids.length, count });
      // The pad token's row is looked up and then overwritten by the concept's.
      ids.push(...new Array<number>(count).fill(padId));
    }
  }
  const free = concepts.reduce((end, { start, count }) => Math.max(end, start + count), 1);
  const quoted = ids.slice(wordStart(tokenizer, ids, room + 1, free));
  const leftOut = ids.splice(room + 1);
  ids.push(endId);
  const used = ids.length;
  ids.push(...new Array<number>(length - used).fill(padId));

  const data = Float32Array.from(embed(ids).data);
  for (const { rows, start } of concepts) data.set(rows.data, start * width);
  return {
    embeddings: tensor(data, [length, width]),
    concepts: concepts.map(({ name, start, count }) => ({ name, start, count })),
    used,
    warnings:
      leftOut.length === 0
        ? []
        : [
            `The prompt is longer than the ${room} tokens this model reads; left out: "${shortened(tokenizer.decode(quoted))}"`,
          ],
  };
}

/** Where the word begins that the token at `at` goes on with; `at` itself where it begins one. Not before `least`. */
function wordStart({ decode }: Pick<Tokenizer, "decode">, ids: readonly number[], at: number, least: number): number {
  let start = at;
  while (start > least && start < ids.length && !/\S\s+\S/.test(decode(ids.slice(start - 1, start + 1)))) start -= 1;
  return start;
}

/** Notes are short. */
const mostQuoted = 300;

const shortened = (text: string): string =>
  text.length <= mostQuoted ? text : `${beginning(text, mostQuoted).replace(/\s+\S*$/, "")} …`;

function rowCount({ name, rows }: ConceptRows, width: number): number {
  const [count = 0, columns = 0] = rows.shape;
  if (rows.shape.length === 2 && count > 0 && columns === width) return count;
  throw new UserError(
    "bad_concept",
    `${name} has rows of shape [${rows.shape}], this model takes [n, ${width}]: it was learned on another base model`,
  );
}

function assertFits(name: string, count: number, before: number, room: number): void {
  if (before + count <= room) return;
  const excess = before + count - room;
  const advice =
    count > room
      ? "Learn it from a shorter caption."
      : `Shorten what stands before it by ${excess} ${excess === 1 ? "token" : "tokens"}, or move it to the front.`;
  throw new UserError(
    "bad_prompt",
    `The prompt is too long: ${name} takes ${count} tokens and ${before} stand before it, but this model reads ${room}. ${advice}`,
  );
}

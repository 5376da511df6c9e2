import type { Tensor } from "../tensor/tensor.ts";
import { tokenEmbedding } from "./clip-text.ts";
import type { OpenedModel } from "./open-model.ts";

/** A word of the vocabulary near a row, and the cosine between their embeddings. */
export interface NearWord {
  readonly word: string;
  readonly score: number;
}

/** Rows of the table read at a time: 4,096 of 768 values are 12 MB. */
const chunk = 4_096;

/** For each of the rows f32 [n, D], the `count` whole words nearest by cosine in the token-embedding table, best first. Parts of
 * words, signs, and words that the checkpoint was not trained on are no words. */
export function nearestWords(
  model: Pick<OpenedModel, "tokenizer" | "parts">,
  { data, shape }: Tensor,
  count = 5,
): readonly (readonly NearWord[])[] {
  const [n, width] = shape as [number, number];
  const rows = Array.from({ length: n }, (_, i) => unit(data.subarray(i * width, (i + 1) * width)));
  const best = rows.map((): NearWord[] => []);
  const words = wholeWords(model);
  for (let at = 0; at < words.length; at += chunk) {
    const some = words.slice(at, at + chunk);
    const table = model.parts.text.rows(
      tokenEmbedding,
      some.map(({ id }) => id),
    ).data;
    for (const [i, { word }] of some.entries()) {
      const embedding = unit(table.subarray(i * width, (i + 1) * width));
      for (const [row, near] of best.entries())
        add(near, { word, score: dot(rows[row] as Float32Array, embedding) }, count);
    }
  }
  return best;
}

/** Tokens that are a word by themselves: the tokenizer reads their text as just that token. */
function wholeWords({ tokenizer, parts }: Pick<OpenedModel, "tokenizer" | "parts">) {
  const found: { readonly id: number; readonly word: string }[] = [];
  for (let id = 0; id < parts.text.config.vocab_size; id++) {
    if (id === tokenizer.beginId || id === tokenizer.endId || id === tokenizer.padId) continue;
    const word = tokenizer.decode([id]).trim();
    if (!/^\p{L}{2,}$/u.test(word)) continue;
    const ids = tokenizer.encode(word);
    if (ids.length === 1 && ids[0] === id) found.push({ id, word });
  }
  const unknown = new Set(tokenizer.unknownWords(found.map(({ word }) => word).join(" ")).map(({ word }) => word));
  return found.filter(({ word }) => !unknown.has(word));
}

function add(near: NearWord[], candidate: NearWord, count: number): void {
  if (near.length === count && candidate.score <= (near[count - 1] as NearWord).score) return;
  const place = near.findIndex(({ score }) => score < candidate.score);
  near.splice(place < 0 ? near.length : place, 0, candidate);
  near.length = Math.min(near.length, count);
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((x) => x / norm);
}

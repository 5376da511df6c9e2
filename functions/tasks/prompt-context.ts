import { UserError } from "../../shared/error.ts";
import type { ConceptReference, PromptPart } from "../../shared/prompt.ts";
import type { Model } from "../models/model.ts";
import { type ConceptRows, promptTokens } from "../models/prompt-tokens.ts";
import { unknownWordsNote } from "../models/unknown-words.ts";
import { part, stack } from "../tensor/batch.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

/** What a prompt became. */
export interface PromptContext {
  /** f32 [1, T, D] */
  readonly context: Tensor;
  /** For the person who wrote it: what was cut, which words the model does not know. */
  readonly notes: readonly string[];
}

/** Looks up a concept's rows, f32 [n, D]. @throws UserError not_found */
export type FindRows = (reference: ConceptReference) => Promise<Tensor>;

/** A part without blends. `orWord`: from a blend, so that the concept's name may be a plain word. */
type Plain =
  | Extract<PromptPart, { text: string }>
  | { readonly concept: ConceptReference; readonly orWord?: true }
  | { readonly words: string; readonly weight?: number };

const mostVariants = 16;

/** Prompt → context. A blend is the weighted mean of the contexts with each of its
 * terms in its place, so that terms may differ in length; a part's weight
 * multiplies the encoder's outputs at its tokens, whose mean is then restored (as AUTOMATIC1111 reads `(…:1.2)`).
 * @throws UserError bad_prompt, bad_concept, and what `findRows` throws */
export async function promptContext(
  model: Model,
  parts: readonly PromptPart[],
  findRows: FindRows,
): Promise<PromptContext> {
  const { variants, built } = await buildPrompt(model, parts, findRows);
  const contexts = await model.encodeText(stack(built.map(({ tokens }) => tokens.embeddings)));
  const weighted = built.map(({ weights }, i) => emphasise(part(contexts, i, i + 1), weights));
  const context = mean(
    weighted,
    variants.map(({ share }) => share),
  );
  const text = parts.flatMap((p) => ("text" in p ? [p.text] : [])).join(" ");
  const unknown = unknownWordsNote(model.tokenizer.unknownWords(text));
  const notes = [...new Set(built.flatMap(({ tokens }) => tokens.warnings))];
  for (const word of new Set(built.flatMap(({ plainWords }) => plainWords))) {
    notes.push(`Nobody you can see has taught <${word}>: its part of the blend is the plain word.`);
  }
  if (unknown) notes.push(unknown);
  return { context, notes };
}

/** What `promptContext` runs the encoder on, for each choice of the blends. Runs nothing itself: throws what a prompt is refused for. */
export async function buildPrompt(model: Model, parts: readonly PromptPart[], findRows: FindRows) {
  const variants = variantsOf(parts);
  if (variants.length > mostVariants) {
    throw new UserError(
      "bad_prompt",
      `The blends of this prompt make ${variants.length} combinations; at most ${mostVariants} are drawn.`,
    );
  }
  const built: Awaited<ReturnType<typeof buildTokens>>[] = [];
  for (const { parts: plain } of variants) built.push(await buildTokens(model, plain, findRows));
  return { variants, built };
}

/** Every choice of one concept per blend, with the product of the shares. */
function variantsOf(
  parts: readonly PromptPart[],
): readonly { readonly parts: readonly Plain[]; readonly share: number }[] {
  let variants: { parts: Plain[]; share: number }[] = [{ parts: [], share: 1 }];
  for (const piece of parts) {
    if (!("blend" in piece)) {
      variants = variants.map((variant) => ({ ...variant, parts: [...variant.parts, piece] }));
      continue;
    }
    const total = piece.blend.reduce((sum, term) => sum + term.weight, 0);
    variants = variants.flatMap((variant) =>
      piece.blend.map(({ weight, ...term }) => {
        const emphasis = piece.weight === undefined ? {} : { weight: piece.weight };
        const part: Plain =
          "words" in term ? { ...term, ...emphasis } : { concept: { ...term, ...emphasis }, ...mayBeWord(term) };
        return { parts: [...variant.parts, part], share: (variant.share * weight) / total };
      }),
    );
    if (variants.length > mostVariants) break;
  }
  return variants;
}

const mayBeWord = ({ owner, pin }: ConceptReference) =>
  owner === undefined && pin === undefined ? { orWord: true as const } : {};

/** Embeddings and one weight per token position. */
async function buildTokens(model: Model, parts: readonly Plain[], findRows: FindRows) {
  const plainWords: string[] = [];
  const pieces: Parameters<typeof promptTokens>[1][number][] = [];
  const weights = new Float32Array(model.tokenizer.length).fill(1);
  let position = 1;
  for (const part of parts) {
    const piece = await pieceOf(model, part, findRows);
    if ("concept" in part && typeof piece === "string") plainWords.push(piece);
    const count = typeof piece === "string" ? model.tokenizer.encode(piece).length : (piece.rows.shape[0] as number);
    weights.fill(("concept" in part ? part.concept.weight : part.weight) ?? 1, position, position + count);
    position += count;
    pieces.push(piece);
  }
  return { tokens: promptTokens(model, pieces), weights, plainWords };
}

async function pieceOf(model: Model, part: Plain, findRows: FindRows): Promise<string | ConceptRows> {
  if ("text" in part) return part.text;
  if ("words" in part) return knownWords(model, part.words);
  try {
    return { name: `<${part.concept.name}>`, rows: await findRows(part.concept) };
  } catch (error) {
    if (!part.orWord || !(error instanceof UserError) || error.code !== "not_found") throw error;
    return knownWords(model, part.concept.name, error);
  }
}

/** Plain words as a part of a blend, where a misspelt concept must not become letters: each one is in the checkpoint's list of
 * words or, without such a list, at most two tokens. @throws UserError bad_prompt */
function knownWords(model: Model, words: string, cause?: UserError): string {
  if (areKnownWords(model, words)) return words;
  const said = unknownWordsNote(model.tokenizer.unknownWords(words)) ?? `This model does not know "${words}".`;
  const why = cause === undefined ? "" : ` ${cause.message}`;
  throw new UserError("bad_prompt", `A blend mixes concepts and words that the model knows. ${said}${why}`);
}

/** Every word of the text is in the checkpoint's list of words and no more than two tokens. */
export const areKnownWords = ({ tokenizer }: Pick<Model, "tokenizer">, words: string): boolean =>
  tokenizer.unknownWords(words).length === 0 && words.split(" ").every((word) => tokenizer.encode(word).length <= 2);

function emphasise(context: Tensor, weights: Float32Array): Tensor {
  if (weights.every((weight) => weight === 1)) return context;
  const width = context.shape[2] as number;
  const meanOf = (data: Float32Array): number => data.reduce((sum, x) => sum + x, 0) / data.length;
  const scaled = context.data.map((x, i) => x * (weights[Math.floor(i / width)] as number));
  const restore = meanOf(context.data) / meanOf(scaled);
  return tensor(
    scaled.map((x) => x * restore),
    context.shape,
  );
}

function mean(contexts: readonly Tensor[], shares: readonly number[]): Tensor {
  const [first] = contexts as [Tensor];
  if (contexts.length === 1) return first;
  const data = first.data.map((_, i) =>
    contexts.reduce((sum, context, j) => sum + (shares[j] as number) * (context.data[i] as number), 0),
  );
  return tensor(data, first.shape);
}

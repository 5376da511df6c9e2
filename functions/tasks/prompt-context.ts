import { UserError } from "../../shared/error.ts";
import type { BlendTerm, ConceptReference, PromptPart } from "../../shared/prompt.ts";
import type { Model } from "../models/model.ts";
import { promptTokens } from "../models/prompt-tokens.ts";
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

type Plain = Exclude<PromptPart, { blend: readonly BlendTerm[] }>;

const mostVariants = 16;

/** Prompt → context. A blend is the weighted mean of the contexts with each of its concepts in its place; a part's weight
 * multiplies the encoder's outputs at its tokens, whose mean is then restored (as AUTOMATIC1111 reads `(…:1.2)`).
 * @throws UserError bad_prompt, bad_concept, and what `findRows` throws */
export async function promptContext(
  model: Model,
  parts: readonly PromptPart[],
  findRows: FindRows,
): Promise<PromptContext> {
  const variants = expandBlends(parts);
  if (variants.length > mostVariants) {
    throw new UserError(
      "bad_prompt",
      `The blends of this prompt make ${variants.length} combinations; at most ${mostVariants} are drawn.`,
    );
  }
  const built: { tokens: ReturnType<typeof promptTokens>; weights: Float32Array }[] = [];
  for (const { parts: plain } of variants) built.push(await buildTokens(model, plain, findRows));
  const contexts = await model.encodeText(stack(built.map(({ tokens }) => tokens.embeddings)));
  const weighted = built.map(({ weights }, i) => emphasise(part(contexts, i, i + 1), weights));
  const context = mean(
    weighted,
    variants.map(({ share }) => share),
  );
  const text = parts.flatMap((p) => ("text" in p ? [p.text] : [])).join(" ");
  const unknown = unknownWordsNote(model.tokenizer.unknownWords(text));
  const notes = [...new Set(built.flatMap(({ tokens }) => tokens.warnings))];
  if (unknown) notes.push(unknown);
  return { context, notes };
}

/** Every choice of one concept per blend, with the product of the shares. */
function expandBlends(
  parts: readonly PromptPart[],
): readonly { readonly parts: readonly Plain[]; readonly share: number }[] {
  let variants: { parts: Plain[]; share: number }[] = [{ parts: [], share: 1 }];
  for (const piece of parts) {
    if (!("blend" in piece)) {
      variants = variants.map((variant) => ({ ...variant, parts: [...variant.parts, piece] }));
      continue;
    }
    const total = piece.blend.reduce((sum, term) => sum + term.weight, 0);
    if (total <= 0) throw new UserError("bad_prompt", "The shares of a blend must not all be 0.");
    variants = variants.flatMap((variant) =>
      piece.blend.map(({ weight, ...reference }) => {
        const concept = piece.weight === undefined ? reference : { ...reference, weight: piece.weight };
        return { parts: [...variant.parts, { concept }], share: (variant.share * weight) / total };
      }),
    );
    if (variants.length > mostVariants) break;
  }
  return variants;
}

/** Embeddings and one weight per token position. */
async function buildTokens(model: Model, parts: readonly Plain[], findRows: FindRows) {
  const pieces: Parameters<typeof promptTokens>[1][number][] = [];
  const weights = new Float32Array(model.tokenizer.length).fill(1);
  let position = 1;
  for (const piece of parts) {
    const isText = "text" in piece;
    const rows = isText ? undefined : await findRows(piece.concept);
    const count = isText ? model.tokenizer.encode(piece.text).length : ((rows as Tensor).shape[0] as number);
    weights.fill((isText ? piece.weight : piece.concept.weight) ?? 1, position, position + count);
    position += count;
    pieces.push(isText ? piece.text : { name: `<${piece.concept.name}>`, rows: rows as Tensor });
  }
  return { tokens: promptTokens(model, pieces), weights };
}

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

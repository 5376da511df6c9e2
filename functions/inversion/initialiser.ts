import type { InitialiserKind } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import type { Model } from "../models/model.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What is known about the clicked thing in words. */
export interface Words {
  readonly caption: string;
  readonly className: string;
}

/** Where the rows start: one placeholder token per token of the text. */
export interface Initialiser {
  readonly kind: InitialiserKind;
  readonly text: string;
  readonly ids: readonly number[];
  /** f32 [n, D], the embeddings of those tokens. */
  readonly rows: Tensor;
}

const article = /^(?:an?|the)\s+/i;

/** `star`: one `*` (Gal et al. 2022); `class`: the class word; `caption`: every token of the caption (Qiu, Guo & Wei);
 * `stars`: as many `*` as the caption has tokens, the control for length.
 * The paper keeps the caption's leading article as a token; the product drops it, since templates bring their own.
 * @throws UserError bad_request when the text is empty or longer than the model reads */
export function initialise(
  model: Pick<Model, "tokenizer" | "embed">,
  kind: InitialiserKind,
  { caption, className }: Words,
  { keepArticle }: { readonly keepArticle: boolean },
): Initialiser {
  const spoken = keepArticle ? caption : caption.replace(article, "");
  const captionIds = model.tokenizer.encode(spoken);
  const text = { star: "*", class: className, caption: spoken, stars: captionIds.map(() => "*").join(" ") }[kind];
  const ids = kind === "caption" ? captionIds : model.tokenizer.encode(text);
  // The longest template takes six tokens, begin and end two.
  const most = Math.min(limits.maxConceptTokens, model.tokenizer.length - 8);
  if (ids.length === 0) {
    throw new UserError(
      "bad_request",
      `The ${kind} initialiser needs words, got "${text}". Describe the thing in a few words.`,
    );
  }
  if (ids.length > most) {
    throw new UserError(
      "bad_request",
      `"${text}" is ${ids.length} tokens long; this model can learn at most ${most}. Use a shorter description.`,
    );
  }
  return { kind, text, ids, rows: model.embed(ids) };
}

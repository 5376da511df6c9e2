import type { InitialiserKind, LearnMode } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Improvements } from "../../shared/improvements.ts";
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

/** How words become rows. */
export interface InitialiserOptions {
  /** Keep the caption's leading article as a token; templates bring their own. */
  readonly keepArticle: boolean;
  /** So many `*` after the words, as far as there is room: rows for what the words do not say. */
  readonly moreTokens?: number;
}

/** The product's. With recompositions a concept of more rows is like its thing in scenes it never saw too, and does not learn its
 * picture by heart (model card). */
const moreTokens = 2;

/** As a mode has it, with what the job changes. The paper keeps the article and has no rows but the words' own. */
export const initialiserOptions = (mode: LearnMode, wanted: Improvements = {}): InitialiserOptions => ({
  keepArticle: mode === "paper",
  moreTokens: wanted.moreTokens ?? (mode === "paper" ? 0 : moreTokens),
});

const article = /^(?:an?|the)\s+/i;

/** `star`: one `*` (Gal et al. 2022); `class`: the class word; `caption`: every token of the caption (Qiu, Guo & Wei);
 * `stars`: as many `*` as the caption has tokens, the control for length.
 * @throws UserError bad_request when the text is empty or longer than the model reads */
export function initialise(
  model: Pick<Model, "tokenizer" | "embed">,
  kind: InitialiserKind,
  { caption, className }: Words,
  { keepArticle, moreTokens: wanted = 0 }: InitialiserOptions,
): Initialiser {
  const spoken = keepArticle ? caption : caption.replace(article, "");
  const captionIds = model.tokenizer.encode(spoken);
  const words = { star: "*", class: className, caption: spoken, stars: captionIds.map(() => "*").join(" ") }[kind];
  const ownIds = kind === "caption" ? captionIds : model.tokenizer.encode(words);
  // The longest template takes six tokens, begin and end two.
  const most = Math.min(limits.maxConceptTokens, model.tokenizer.length - 8);
  if (ownIds.length === 0) {
    throw new UserError(
      "bad_request",
      `The ${kind} initialiser needs words, got "${words}". Describe the thing in a few words.`,
    );
  }
  if (ownIds.length > most) {
    throw new UserError(
      "bad_request",
      `"${words}" is ${ownIds.length} tokens long; this model can learn at most ${most}. Use a shorter description.`,
    );
  }
  const text = [words, ...Array.from({ length: Math.min(wanted, most - ownIds.length) }, () => "*")].join(" ");
  const ids = model.tokenizer.encode(text);
  return { kind, text, ids, rows: model.embed(ids) };
}

/** An initialiser's text for people: rows that begin as `*` after its words are counted. */
export function tellText(text: string): string {
  const stars = /^\*(?: \*)*$/.test(text) ? (text.length + 1) / 2 : 0;
  if (stars > 1) return `“*”, ${stars} times`;
  const [, words, more = ""] = /^(.*[^ *])((?: \*)+)$/.exec(text) ?? [];
  return words === undefined ? `“${text}”` : `“${words}” and ${more.length / 2} rows more`;
}

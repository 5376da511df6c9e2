import { existsSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer as BytePairTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { readConfig } from "./component.ts";
import type { Tokenizer } from "./model.ts";
import { readJson, readText } from "./read-text.ts";
import { unknownWords } from "./unknown-words.ts";

/** A special token as tokenizer files write it: its text, alone or with flags that do not matter here. */
const Token = z.union([z.string().min(1), z.looseObject({ content: z.string().min(1) }).transform((it) => it.content)]);

const specialTokens = {
  bos_token: Token.nullish(),
  eos_token: Token.nullish(),
  unk_token: Token.nullish(),
  pad_token: Token.nullish(),
};

const SpecialTokensMap = z.looseObject(specialTokens);

const TokenizerConfig = z.looseObject({
  ...specialTokens,
  tokenizer_class: z.enum(["CLIPTokenizer", "CLIPTokenizerFast"]).default("CLIPTokenizer"),
  /** A huge number where the length is not known. */
  model_max_length: z.number().min(3).optional(),
  /** Tokens beyond the vocabulary by id, as newer versions write them. */
  added_tokens_decoder: z
    .record(z.string().regex(/^\d{1,6}$/), z.looseObject({ content: z.string().min(1) }))
    .optional(),
});
type TokenizerConfig = z.infer<typeof TokenizerConfig>;

/** Tokens beyond the vocabulary, as older versions write them. */
const AddedTokens = z.record(z.string().min(1), z.int());

/** Longest sequence that any known text encoder takes; what claims more does not know its length. */
const maxKnownLength = 100_000;
const maxTableRows = 1_000_000;
/** The reference implementation reads no more merges than CLIP's own vocabulary has. */
const maxMerges = 48_894;

/** The keys of the text encoder's config.json that a tokenizer must fit. */
interface EncoderSizes {
  readonly max_position_embeddings: number;
  readonly vocab_size: number;
}

/** Opens `tokenizer/` of a diffusers folder: vocab.json, merges.txt, tokenizer_config.json and, where it exists,
 * special_tokens_map.json; and `vocabulary.json` of the folder itself. Given the text encoder's config, ids must be in
 * its table, and sequences are no longer than its position embeddings, and as long where the files name no length.
 * Ids equal those of transformers' CLIPTokenizer without ftfy, which is what Stable Diffusion's pipelines run.
 * @throws UserError not_found, bad_config naming the file */
export function openTokenizer(folder: string, encoder?: EncoderSizes): Tokenizer {
  const root = join(folder, "tokenizer");
  const config = readConfig(join(root, "tokenizer_config.json"), TokenizerConfig);
  const special = specialTokensOf(config, root);
  const vocabulary = readVocabulary(join(root, "vocab.json"));
  const added = addedTokens(config, root);
  assertInTable([...Object.entries(vocabulary), ...added], encoder?.vocab_size ?? maxTableRows, root);
  const idOf = (token: string): number => {
    const id = Object.hasOwn(vocabulary, token) ? vocabulary[token] : added.get(token);
    if (id !== undefined) return id;
    throw new UserError("bad_config", `${root}: vocab.json lacks the special token ${JSON.stringify(token)}`);
  };
  for (const token of Object.values(special)) added.set(token, idOf(token));
  const library = new BytePairTokenizer(
    {
      added_tokens: Array.from(added, ([token, id]) => ({
        id,
        content: clean(token),
        special: token === special.begin || token === special.end,
      })),
      normalizer: null,
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: words }, behavior: "Removed", invert: true },
          { type: "ByteLevel", add_prefix_space: false, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { type: "ByteLevel" },
      model: {
        type: "BPE",
        vocab: vocabulary,
        merges: readMerges(join(root, "merges.txt")),
        end_of_word_suffix: "</w>",
        unk_token: special.unknown,
      },
    },
    {},
  );
  return {
    encode: (text) => library.encode(clean(text), { add_special_tokens: false }).ids,
    decode: (ids) => (ids.length === 0 ? "" : library.decode([...ids], { skip_special_tokens: true })),
    beginId: idOf(special.begin),
    endId: idOf(special.end),
    padId: idOf(special.pad),
    length: lengthOf(config, encoder?.max_position_embeddings, root),
    unknownWords: unknownWords(folder),
  };
}

/** How CLIP cuts text into words before merging bytes (Radford et al. 2021, released code). The long s counts as an s
 * because the reference matches without regard to case. */
const words = "'[sſ]|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/** Han characters, which the reference sets apart as words. */
const han = /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

/** The reference's clean-up, in its order: control characters out, Han apart, composed, lower case. */
const clean = (text: string): string =>
  text
    .replace(/(?![\t\n\r])\p{C}|\uFFFD/gu, "")
    .replace(han, " $& ")
    .normalize("NFC")
    .toLowerCase();

/** special_tokens_map.json goes before the config unless the config is of the newer kind, as in the reference. */
function specialTokensOf(config: TokenizerConfig, root: string) {
  const path = join(root, "special_tokens_map.json");
  const map = config.added_tokens_decoder === undefined && existsSync(path) ? readConfig(path, SpecialTokensMap) : {};
  const end = map.eos_token ?? config.eos_token ?? "<|endoftext|>";
  return {
    begin: map.bos_token ?? config.bos_token ?? "<|startoftext|>",
    end,
    unknown: map.unk_token ?? config.unk_token ?? "<|endoftext|>",
    pad: map.pad_token ?? config.pad_token ?? "<|endoftext|>",
  };
}

function addedTokens(config: TokenizerConfig, root: string): Map<string, number> {
  const path = join(root, "added_tokens.json");
  const older = existsSync(path) ? Object.entries(readConfig(path, AddedTokens)) : [];
  const newer = Object.entries(config.added_tokens_decoder ?? {}).map(
    ([id, { content }]) => [content, Number(id)] as const,
  );
  return new Map([...older, ...newer]);
}

function readVocabulary(path: string): Readonly<Record<string, number>> {
  const json = readJson(path, limits.maxTokenizerFileBytes);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new UserError("bad_config", `${path}: expected an object of tokens and their ids`);
  }
  return json as Readonly<Record<string, number>>;
}

function assertInTable(tokens: readonly (readonly [string, unknown])[], rows: number, root: string): void {
  const odd = tokens.find(([, id]) => !(Number.isInteger(id) && Number(id) >= 0 && Number(id) < rows));
  if (odd === undefined) return;
  throw new UserError(
    "bad_config",
    `${root}: the id of ${JSON.stringify(odd[0])} must be 0…${rows - 1}, got ${odd[1]}; is it from another checkpoint?`,
  );
}

/** The first line is a version. */
function readMerges(path: string): [string, string][] {
  const lines = readText(path, limits.maxTokenizerFileBytes)
    .trim()
    .split("\n")
    .slice(1, maxMerges + 1);
  return lines.map((line, i) => {
    const [first, second, ...more] = line.trim().split(/\s+/);
    if (first && second && more.length === 0) return [first, second];
    throw new UserError(
      "bad_config",
      `${path}: line ${i + 2} must hold two tokens, got ${JSON.stringify(line.slice(0, 80))}`,
    );
  });
}

function lengthOf(config: TokenizerConfig, positions: number | undefined, root: string): number {
  const named = config.model_max_length ?? Number.POSITIVE_INFINITY;
  const length = Math.min(named, positions ?? Number.POSITIVE_INFINITY);
  if (Number.isInteger(length) && length <= maxKnownLength) return length;
  throw new UserError(
    "bad_config",
    `${root}: tokenizer_config.json must name the sequence length as model_max_length, got ${config.model_max_length ?? "nothing"}`,
  );
}

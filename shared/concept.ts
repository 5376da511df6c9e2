import { z } from "zod";
import { ConceptName } from "./concept-name.ts";
import { Improvements } from "./improvements.ts";
import { limits } from "./limits.ts";

/** A key of the store: slash-separated parts of ASCII letters, digits and `._~-`, none beginning with a dot. */
export const StoreKey = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199}(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199})*$/, "not a store key");
export type StoreKey = string;

/** An id that can be a part of a key: a Discord snowflake, a hash, a job's or a concept's id. */
export const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "an id has 1–64 letters, digits, _ and -");
export type Id = string;

/** Who may see and use a concept: its owner; everybody in one server; everybody. */
export const Scope = z.enum(["private", "server", "public"]);
export type Scope = z.infer<typeof Scope>;

/** A person, by an id that never changes and the user name of the day. */
export const Owner = z.strictObject({ id: Id, name: z.string().min(1).max(64) });
export type Owner = z.infer<typeof Owner>;

/** On whose behalf something is looked up. Names resolve mine → this server → public. `moderator` may take concepts of
 * `server` out of it. */
export const Viewer = z.strictObject({ user: Owner, server: Id.optional(), moderator: z.boolean().default(false) });
export type Viewer = z.infer<typeof Viewer>;

/** What the rows started from: one `*`, the class word, the caption, or as many `*` as the caption has tokens. */
export const InitialiserKind = z.enum(["star", "class", "caption", "stars"]);
export type InitialiserKind = z.infer<typeof InitialiserKind>;

/** `paper`: exactly as published. `product`: with this project's improvements. */
export const LearnMode = z.enum(["paper", "product"]);
export type LearnMode = z.infer<typeof LearnMode>;

const text = (max: number) => z.string().max(max);
const finite = z.number();
export const Seed = z
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** One point of the loss curve: mean squared error at a step. `bank` is the loss on the fixed bank that chooses the best step. */
export const LossPoint = z.strictObject({
  step: z.number().int().min(0).max(limits.maxLearnSteps),
  loss: finite,
  bank: finite.optional(),
});
export type LossPoint = z.infer<typeof LossPoint>;

/** Where an older version of the concept came from and why it was replaced, oldest first. */
export const ConceptVersion = z.strictObject({
  version: z.number().int().min(1),
  created: z.iso.datetime(),
  note: text(200).optional(),
});
export type ConceptVersion = z.infer<typeof ConceptVersion>;

/** A parent of a blend with its share of it: plain words, a version of a concept, or one that is a blend itself. */
export type BlendParent = { readonly share: number } & (
  | { readonly words: string }
  | BlendConcept
  | (BlendConcept & { readonly parents: readonly BlendParent[] })
);
interface BlendConcept {
  readonly id: Id;
  readonly version: number;
  readonly name: ConceptName;
  /** User name of the day. */
  readonly owner: string;
}

/** The parents of a blend, `generations` deep at most. */
function blendParents(generations: number): z.ZodType<BlendParent[]> {
  const share = z.number().min(0).max(1.5);
  const concept = z.strictObject({
    share,
    id: Id,
    version: z.number().int().min(1),
    name: ConceptName,
    owner: text(64).min(1),
  });
  const words = z.strictObject({ share, words: text(100).min(1) });
  const kinds =
    generations > 1 ? [words, concept, concept.extend({ parents: blendParents(generations - 1) })] : [words, concept];
  return z
    .array(z.union(kinds))
    .min(2)
    .max(4)
    .refine((parents) => parents.some((parent) => parent.share > 0), "the shares must not all be 0") as z.ZodType<
    BlendParent[]
  >;
}
export const BlendParents = blendParents(limits.maxBlendDepth);

/** Everything known about a concept except its rows: the passport stored in the concept file and shown to people. */
export const ConceptMeta = z.object({
  id: Id,
  /** 1 for the first; a relearned concept counts on. */
  version: z.number().int().min(1).max(1_000_000),
  name: ConceptName,
  owner: Owner,
  scope: Scope,
  /** The owner's id, the server's id, or "all". */
  scopeId: Id,
  /** The text is a caption, and a ` *` for each further row. */
  initialiser: z.strictObject({
    kind: InitialiserKind,
    text: text(limits.maxCaptionCharacters + 2 * limits.maxConceptTokens),
  }),
  /** Name of the checkpoint as configured, and its hash (`Model.hash`); "unknown" for imported files that do not say. */
  baseModel: z.strictObject({ id: text(300), hash: text(64) }),
  /** n: placeholder tokens, rows of the tensor. */
  tokens: z.number().int().min(1).max(limits.maxConceptTokens),
  /** d: embedding width. */
  width: z.number().int().min(1).max(limits.maxConceptWidth),
  /** Name of the template set that the prompts were drawn from. */
  templates: text(64).default(""),
  /** 0 for an imported concept whose file does not say. */
  steps: z.number().int().min(0).max(10_000_000),
  /** The step whose rows were kept. */
  bestStep: z.number().int().min(0).optional(),
  seed: Seed.default(0),
  mode: LearnMode.optional(),
  /** What was changed of the mode's settings. */
  improvements: Improvements.optional(),
  /** Examples a step, and the learning rate where it was not the mode's own. */
  batch: z.number().int().min(1).max(16).optional(),
  learningRate: z.number().positive().max(1).optional(),
  loss: z
    .array(LossPoint)
    .max(limits.maxLearnSteps + 1)
    .default([]),
  /** Caption and class that the describer saw, for relearning. */
  caption: text(limits.maxCaptionCharacters).optional(),
  className: text(limits.maxClassCharacters).optional(),
  /** Store keys. */
  mask: StoreKey.optional(),
  preview: StoreKey.optional(),
  source: StoreKey.optional(),
  /** Further pictures that it was learned from. */
  morePictures: z
    .array(z.strictObject({ source: StoreKey, mask: StoreKey.optional() }))
    .max(limits.maxLearnPictures - 1)
    .optional(),
  created: z.iso.datetime(),
  /** What its owner says others may do with it. */
  licence: text(500).default(""),
  /** For an imported concept: the format, and what the file said about itself. */
  origin: z.strictObject({ format: text(64), author: text(200).optional(), note: text(500).optional() }).optional(),
  /** For a saved blend, which has no rows of its own: its family tree. */
  blend: BlendParents.optional(),
  versions: z.array(ConceptVersion).max(100).default([]),
});
export type ConceptMeta = z.infer<typeof ConceptMeta>;

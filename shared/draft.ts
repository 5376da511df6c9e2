import { z } from "zod";
import { Id, InitialiserKind, Owner, StoreKey } from "./concept.ts";
import { ConceptName } from "./concept-name.ts";

const fraction = z.number().min(0).max(1);

/** A point of a picture, as fractions of its width and height from the left and the top, so that it survives resizing. */
export const Point = z.strictObject({ x: fraction, y: fraction });
export type Point = z.infer<typeof Point>;

/** Left, top, width, height as fractions of the picture. */
export const Box = z.strictObject({ x: fraction, y: fraction, width: fraction, height: fraction });
export type Box = z.infer<typeof Box>;

/** How much of what was clicked: a part of the thing, the thing, or the things it belongs with. */
export const MaskLevel = z.enum(["part", "object", "group"]);
export type MaskLevel = z.infer<typeof MaskLevel>;

/** A stored, re-encoded picture without metadata. Width and height in pixels. */
export const StoredPicture = z.strictObject({
  key: StoreKey,
  width: z.number().int().min(1),
  height: z.number().int().min(1),
});
export type StoredPicture = z.infer<typeof StoredPicture>;

/** One thing that the click (or, without a click, the picture) may mean. */
export const Candidate = z.strictObject({
  level: MaskLevel,
  /** The point that finds this mask again. */
  click: Point,
  box: Box,
  /** Key of the mask: a one-channel PNG of the picture's size, 255 inside. */
  mask: StoreKey,
  /** Key of the crop on white that caption and class were made from. */
  crop: StoreKey.optional(),
  caption: z.string().max(500),
  className: z.string().max(100),
  /** The segmenter's confidence, 0–1. */
  score: fraction,
  /** False: caption and class are a guess, and front ends offer `words` instead of telling it as a fact. */
  sure: z.boolean().default(true),
  /** What a word for it starts from unless somebody says what it is: `stars` where the guess is worth nothing. */
  initialiser: InitialiserKind.default("caption"),
  /** What it may be: the caption's own word, then the likeliest, each with the caption that it would make. */
  words: z
    .array(z.strictObject({ word: z.string().max(100), caption: z.string().max(500), score: fraction }))
    .max(6)
    .default([]),
});
export type Candidate = z.infer<typeof Candidate>;

/** For somebody who brings a photograph to a model of drawings, before anything is learned: a picture of what the model sees of it and
 * of what it makes of it, and a sentence that says so. */
export const Welcome = z.strictObject({ picture: StoredPicture, text: z.string().max(500) });
export type Welcome = z.infer<typeof Welcome>;

/** A /learn in the making, at `drafts/<id>.json`; changed by compare-and-swap only. The learn job's id derives from id and
 * revision, so pressing Learn twice joins one job. */
export const Draft = z.strictObject({
  /** The interaction that began it. */
  id: Id,
  /** Counts changes that change what would be learned. */
  revision: z.number().int().min(1),
  owner: Owner,
  server: Id.optional(),
  channel: Id.optional(),
  message: Id.optional(),
  locale: z.string().max(16).optional(),
  created: z.iso.datetime(),
  picture: StoredPicture,
  click: Point.optional(),
  /** Cells zoomed into while pointing with buttons: row-major 0–24 on a 5×5 grid, outermost first. */
  zoom: z.array(z.number().int().min(0).max(24)).max(2).default([]),
  candidates: z.array(Candidate).max(4).default([]),
  /** About the first candidate. */
  welcome: Welcome.optional(),
  /** Index of the chosen candidate. */
  selected: z.number().int().min(0).max(3).default(0),
  /** The words as the person edited them; otherwise the candidate's count. */
  caption: z.string().max(500).optional(),
  className: z.string().max(100).optional(),
  name: ConceptName,
  /** What Learn would start from: the caption that the person wrote, else what the chosen candidate says. */
  initialiser: InitialiserKind.default("caption"),
  /** The job that Learn started. */
  job: Id.optional(),
});
export type Draft = z.infer<typeof Draft>;

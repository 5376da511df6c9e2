import { z } from "zod";
import { ConceptMeta, Id, InitialiserKind, LearnMode, LossPoint, Owner, Seed, StoreKey, Viewer } from "./concept.ts";
import { ConceptName } from "./concept-name.ts";
import { Candidate, MaskLevel, Point, Welcome } from "./draft.ts";
import { Improvements } from "./improvements.ts";
import { limits } from "./limits.ts";

/** A picture: the key of a stored one, or its bytes as a data URI (PNG, JPEG, WebP, GIF, AVIF), for callers without a
 * store. The gateway stores data URIs first, so that the ledger holds keys alone. Outside URLs are never fetched. */
export const PictureInput = z.union(
  [
    StoreKey,
    z
      .string()
      .max(Math.ceil((limits.maxUploadBytes * 4) / 3) + 100)
      .regex(/^data:image\/(png|jpeg|webp|gif|avif);base64,/)
      .refine((uri) => /^[A-Za-z0-9+/]+={0,2}$/.test(uri.slice(uri.indexOf(",") + 1)), "not base64"),
  ],
  "expected a store key or a data:image/…;base64 URI",
);
export type PictureInput = string;

/** Catalogue name or folder of the base model; the service's own model when absent. */
const model = z.string().min(1).max(300).optional();

/** Click → mask levels, crop, caption, class. Without a click: up to four likely things. */
export const DescribeInput = z.strictObject({
  task: z.literal("describe"),
  picture: PictureInput,
  click: Point.optional(),
  /** Prefer this level as the first candidate. */
  level: MaskLevel.default("object"),
  viewer: Viewer.optional(),
});
export type DescribeInput = z.infer<typeof DescribeInput>;

/** Another picture of the thing that is learned. With neither click nor mask all of it counts. */
export const FurtherPicture = z.strictObject({
  picture: PictureInput,
  click: Point.optional(),
  level: MaskLevel.default("object"),
  mask: PictureInput.optional(),
});
export type FurtherPicture = z.infer<typeof FurtherPicture>;

/** A picture and a click (or mask) → a concept. What is absent is described first: mask, caption, class. */
export const LearnInput = z.strictObject({
  task: z.literal("learn"),
  picture: PictureInput,
  click: Point.optional(),
  level: MaskLevel.default("object"),
  /** A one-channel picture of the same size, white inside: used instead of segmenting at the click. */
  mask: PictureInput.optional(),
  /** More pictures of the same thing; words and strip come from the first one above. */
  morePictures: z
    .array(FurtherPicture)
    .max(limits.maxLearnPictures - 1)
    .default([]),
  caption: z.string().trim().min(1).max(limits.maxCaptionCharacters).optional(),
  className: z.string().trim().min(1).max(limits.maxClassCharacters).optional(),
  name: ConceptName,
  owner: Owner,
  /** Whose names it must not collide with; it is saved as private. */
  server: Id.optional(),
  /** A concept of the owner to make a new version of. */
  relearn: Id.optional(),
  /** Absent: the caption; in product mode `stars` where nobody says what the thing is and describing cannot tell. */
  initialiser: InitialiserKind.optional(),
  mode: LearnMode.default("product"),
  steps: z.number().int().min(1).max(limits.maxLearnSteps).default(100),
  /** Pictures per step. */
  batch: z.number().int().min(1).max(16).default(4),
  learningRate: z.number().positive().max(1).optional(),
  /** What to change of the mode's own settings. */
  improvements: Improvements.default({}),
  seed: Seed.optional(),
  model,
  /** Steps at which a preview is drawn, all with one seed. */
  previews: z.array(z.number().int().min(0).max(limits.maxLearnSteps)).max(10).default([0, 25, 50, 75, 100]),
  /** Prompts of the strip drawn at the end; `{}` stands for the concept, the only one they may name (`<name:0.7>`: at a strength).
   * The model's own when absent. */
  scenes: z.array(z.string().min(1).max(limits.maxPromptCharacters)).max(4).optional(),
  licence: z.string().max(500).default(""),
});
export type LearnInput = z.infer<typeof LearnInput>;

/** Samplers by the names people type. The list in diffusion/ is keyed by these, so that neither can lack one. */
export const samplerNames = [
  "ddim",
  "euler",
  "euler-karras",
  "dpmpp-2m",
  "dpmpp-2m-karras",
  "pndm",
  "pndm-prk",
] as const;
export const SamplerName = z.enum(samplerNames);
export type SamplerName = z.infer<typeof SamplerName>;

const side = z.number().int().min(8).max(limits.maxImagineSidePixels).multipleOf(8).optional();

/** A prompt with concepts in it → pictures. */
export const ImagineInput = z.strictObject({
  task: z.literal("imagine"),
  prompt: z.string().trim().min(1).max(limits.maxPromptCharacters),
  negative: z.string().max(limits.maxPromptCharacters).default(""),
  /** Pictures. */
  count: z.number().int().min(1).max(limits.maxPicturesPerJob).default(4),
  /** Of concepts that name none in the prompt: 0 what they began as, 1 what they learned. */
  strength: z.number().min(0).max(limits.maxConceptStrength).optional(),
  /** Sampler steps; the model's own usual number when absent. */
  steps: z.number().int().min(1).max(limits.maxSamplerSteps).optional(),
  /** Classifier-free guidance scale (Ho & Salimans 2022), 1 is none; the model's own usual one when absent. */
  guidance: z.number().min(1).max(30).optional(),
  sampler: SamplerName.default("dpmpp-2m-karras"),
  /** Chosen at random, and reported, when absent. Picture i of the job uses seed + i. */
  seed: Seed.optional(),
  /** Pixels, a multiple of what the model's UNet can halve (64 for Stable Diffusion); the model's own side when absent. */
  width: side,
  height: side,
  model,
  /** Who looks names up; absent: public concepts only. */
  viewer: Viewer.optional(),
  format: z.enum(["png", "webp"]).default("png"),
});
export type ImagineInput = z.infer<typeof ImagineInput>;

/** A concept → what its rows mean in words, and where each looks in its picture. */
export const ExplainInput = z.strictObject({
  task: z.literal("explain"),
  concept: Id,
  /** Who asks; absent: public concepts only. */
  viewer: Viewer.optional(),
});
export type ExplainInput = z.infer<typeof ExplainInput>;

/** What a prediction is asked for, a union on `task`. Unknown keys are refused. */
export const JobInput = z.discriminatedUnion("task", [DescribeInput, LearnInput, ImagineInput, ExplainInput]);
export type JobInput = z.infer<typeof JobInput>;
export type Task = JobInput["task"];

/** Sentences for people, beside a result. They quote names of models, captions and prompts. */
const notes = z.array(z.string().max(1000)).max(10).default([]);

/** A drawn picture of a job: its key in the store and its size in pixels. */
export const DrawnPicture = z.strictObject({
  key: StoreKey,
  /** picture | mask | outline | strip | chart | preview */
  kind: z.enum(["picture", "mask", "outline", "strip", "chart", "preview"]),
  width: z.number().int().min(1),
  height: z.number().int().min(1),
  /** Alternative text for people who do not see it. */
  alt: z.string().max(1024).default(""),
  seed: Seed.optional(),
  prompt: z
    .string()
    .max(4 * limits.maxPromptCharacters)
    .optional(),
});
export type DrawnPicture = z.infer<typeof DrawnPicture>;

export const DescribeOutput = z.strictObject({
  task: z.literal("describe"),
  candidates: z.array(Candidate).min(1).max(4),
  suggestedName: ConceptName,
  /** Whether the picture looks like a photograph rather than a drawing. */
  photograph: z.boolean().default(false),
  /** Only where the model draws no photographs. */
  welcome: Welcome.optional(),
  /** The picture with the candidates outlined and numbered. */
  outline: DrawnPicture.optional(),
});
export type DescribeOutput = z.infer<typeof DescribeOutput>;

export const LearnOutput = z.strictObject({
  task: z.literal("learn"),
  concept: ConceptMeta,
  /** Strip first, then chart, then previews. */
  pictures: z.array(DrawnPicture).max(32),
  /** Share of the latent's cells that the thing fills, mean over the pictures; 1 without a mask. Mask floors differ little above
   * 0.6. */
  fullWeightShare: z.number().min(0).max(1).optional(),
  /** Things worth knowing, e.g. that the wanted name was taken. */
  notes,
});
export type LearnOutput = z.infer<typeof LearnOutput>;

/** Whose concept a name of the prompt meant. */
export const UsedConcept = z.strictObject({
  id: Id,
  version: z.number().int().min(1),
  name: ConceptName,
  owner: Owner,
  scope: ConceptMeta.shape.scope,
});
export type UsedConcept = z.infer<typeof UsedConcept>;

export const ImagineOutput = z.strictObject({
  task: z.literal("imagine"),
  pictures: z
    .array(DrawnPicture)
    .min(1)
    .max(limits.maxPicturesPerJob + 1),
  concepts: z.array(UsedConcept).max(64).default([]),
  seed: Seed,
  notes,
});
export type ImagineOutput = z.infer<typeof ImagineOutput>;

/** A word of the vocabulary near a row, and the cosine between them. */
export const NearWord = z.strictObject({ word: z.string().max(100), score: z.number().min(-1.001).max(1.001) });
export type NearWord = z.infer<typeof NearWord>;

export const ExplainOutput = z.strictObject({
  task: z.literal("explain"),
  concept: UsedConcept,
  /** One per row: the token it began as (absent where that is not known), the nearest words then and now, best first. */
  rows: z
    .array(
      z.strictObject({
        token: z.string().max(100).optional(),
        before: z.array(NearWord).max(5),
        after: z.array(NearWord).max(5),
      }),
    )
    .max(limits.maxConceptTokens),
  /** The picture with each row's attention over it. */
  pictures: z.array(DrawnPicture).min(1).max(1),
  notes,
});
export type ExplainOutput = z.infer<typeof ExplainOutput>;

export const JobOutput = z.discriminatedUnion("task", [DescribeOutput, LearnOutput, ImagineOutput, ExplainOutput]);
export type JobOutput = z.infer<typeof JobOutput>;

export const PredictionStatus = z.enum(["starting", "processing", "succeeded", "failed", "canceled"]);
export type PredictionStatus = z.infer<typeof PredictionStatus>;

/** True when nothing will change any more. */
export const isTerminal = (status: PredictionStatus): boolean =>
  status === "succeeded" || status === "failed" || status === "canceled";

/** Cog's prediction object (replicate/cog, docs/http.md). */
export const Prediction = z.object({
  id: Id,
  input: JobInput,
  status: PredictionStatus,
  output: JobOutput.nullable().default(null),
  /** For people; null unless failed. */
  error: z.string().nullable().default(null),
  /** Lines since the start, the newest kept. */
  logs: z.string().default(""),
  /** predict_time in seconds, and whatever the task measured. */
  metrics: z.record(z.string(), z.number()).default({}),
  created_at: z.iso.datetime(),
  started_at: z.iso.datetime().nullable().default(null),
  completed_at: z.iso.datetime().nullable().default(null),
  urls: z.object({ get: z.string(), cancel: z.string(), stream: z.string() }).optional(),
});
export type Prediction = z.infer<typeof Prediction>;

/** One step of a job's life. Tasks yield progress, log and output; whoever runs them adds `start` and exactly one `completed`. */
export const JobEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("start"), prediction: Prediction }),
  z.object({
    type: z.literal("progress"),
    /** What is going on: describe, encode, learn, draw … */
    stage: z.string().max(32),
    step: z.number().int().min(0),
    total: z.number().int().min(0),
    loss: LossPoint.optional(),
    etaMs: z.number().min(0).optional(),
    /** A picture to show meanwhile. */
    preview: DrawnPicture.optional(),
    /** Place in the queue, 0 = running. */
    position: z.number().int().min(0).optional(),
  }),
  z.object({ type: z.literal("log"), text: z.string() }),
  z.object({ type: z.literal("metric"), name: z.string().max(64), value: z.number() }),
  z.object({ type: z.literal("output"), output: JobOutput }),
  z.object({ type: z.literal("completed"), prediction: Prediction }),
]);
export type JobEvent = z.infer<typeof JobEvent>;

/** What a task itself may yield. */
export type TaskEvent = Exclude<JobEvent, { type: "start" | "completed" }>;

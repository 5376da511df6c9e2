import { z } from "zod";
import { ConceptMeta, Id, StoreKey } from "./concept.ts";
import { ConceptName } from "./concept-name.ts";
import { Draft, Point, StoredPicture } from "./draft.ts";
import { Identity } from "./identity.ts";
import { DrawnPicture, JobInput, Prediction } from "./job.ts";
import { limits } from "./limits.ts";

/** A 5×5 grid's cell, row-major from the top left. */
export const GridCell = z.number().int().min(0).max(24);

/** A new draft, described: it comes with its candidates. `id` is the interaction that began it, so that a repeated request joins: the owner of an existing draft gets
 * it back, anybody else `conflict`. Owner and server come from the signature. */
export const CreateDraft = z.strictObject({
  id: Id,
  picture: StoreKey,
  click: Point.optional(),
  /** Suggested from the caption when absent. */
  name: ConceptName.optional(),
  channel: Id.optional(),
  message: Id.optional(),
  locale: z.string().max(16).optional(),
});
export type CreateDraft = z.infer<typeof CreateDraft>;

/** A change of the draft at `revision`; another revision in the store is `conflict`. `null` takes the person's own words back. */
export const PatchDraft = z.strictObject({
  revision: z.number().int().min(1),
  selected: z.number().int().min(0).max(3).optional(),
  name: ConceptName.optional(),
  caption: z.string().trim().min(1).max(500).nullable().optional(),
  className: z.string().trim().min(1).max(100).nullable().optional(),
});
export type PatchDraft = z.infer<typeof PatchDraft>;

/** Find candidates anew, at `click` when given (the draft keeps it). A suggested name follows the caption, a chosen name stays. */
export const DescribeDraft = z.strictObject({ revision: z.number().int().min(1), click: Point.optional() });

/** Point with buttons: the cells chosen so far, outermost first; `[]` is the whole picture. One cell gives the second grid. Two
 * cells are a click in the middle of the inner cell: they describe, as `click` does. */
export const ZoomDraft = z.strictObject({ revision: z.number().int().min(1), cells: z.array(GridCell).max(2) });

/** A draft and the picture to show with it: the candidates outlined and numbered, the selected one strongest; while pointing,
 * the zoomed part with the 5×5 grid and its numbers. */
export const DraftView = z.strictObject({
  draft: Draft,
  picture: DrawnPicture,
  /** Worth knowing before Learn is pressed, e.g. words of the caption that the model does not know. */
  notes: z.array(z.string().max(1000)).max(5).default([]),
});
export type DraftView = z.infer<typeof DraftView>;

/** What lists and autocomplete show of a concept. */
export const ConceptSummary = ConceptMeta.pick({
  id: true,
  version: true,
  name: true,
  owner: true,
  scope: true,
  scopeId: true,
  tokens: true,
  caption: true,
  preview: true,
  created: true,
  blend: true,
});
export type ConceptSummary = z.infer<typeof ConceptSummary>;

/** All that moderators are told of a concept that was taken out of their server: nobody there but its owner may see it. */
export const BarredConcept = ConceptMeta.pick({ id: true, name: true, owner: true });
export type BarredConcept = z.infer<typeof BarredConcept>;

/** A concept after sharing it, taking it back or taking it out of a server. */
export const SharedConcept = BarredConcept.extend({
  /** What others write between `<` and `>` to get this one: its name, or owner/name where somebody else's has the plain name. */
  reference: z.string(),
  /** False when it was shared like this already. */
  changed: z.boolean(),
});
export type SharedConcept = z.infer<typeof SharedConcept>;

export const ConceptQuery = z.object({
  /** Names that begin with this. */
  prefix: z.string().max(limits.maxConceptNameCharacters).default(""),
  /** `me`: only concepts of the signed user. */
  owner: z.enum(["anyone", "me"]).default("anyone"),
  limit: z.coerce.number().int().min(1).max(100).default(25),
});
export const BarredQuery = ConceptQuery.omit({ owner: true });

/** Where the bot tells of a job's progress, kept so that a restarted bot can go on. */
export const DeliveryAddress = z.strictObject({
  applicationId: Id,
  /** The interaction's token: edits the message until `tokenExpiresMs` (ms since 1970). */
  token: z.string().min(1).max(1024),
  tokenExpiresMs: z.number().int(),
  channelId: Id,
  /** Absent in direct messages. */
  serverId: Id.optional(),
  /** The message with the progress. */
  messageId: Id,
  /** An ephemeral message cannot be edited once the token has expired. */
  ephemeral: z.boolean(),
  /** Why only its person sees it, in words that follow "because"; absent where nobody asks. */
  why: z.string().max(200).optional(),
  locale: z.string().max(16),
});
export type DeliveryAddress = z.infer<typeof DeliveryAddress>;

/** One job's message to its person. Exactly one bot process holds it at a time; `done` is written after the final message. */
export const Delivery = z.strictObject({
  /** The job's id. */
  id: Id,
  /** Counts changes. */
  revision: z.number().int().min(1),
  task: z.enum(["learn", "imagine", "explain"]),
  identity: Identity,
  address: DeliveryAddress,
  /** The bot process that follows the job, until its lease runs out (ms since 1970). */
  holder: z.strictObject({ id: Id, untilMs: z.number().int() }).nullable(),
  done: z.boolean(),
});
export type Delivery = z.infer<typeof Delivery>;

export const CreateDelivery = Delivery.pick({ task: true, address: true, holder: true });
export const PatchDelivery = z.strictObject({
  revision: z.number().int().min(1),
  holder: Delivery.shape.holder.optional(),
  /** When the message went on elsewhere, e.g. in direct messages. */
  address: DeliveryAddress.optional(),
  done: z.literal(true).optional(),
});
export type PatchDelivery = z.infer<typeof PatchDelivery>;

/** What every failed request is answered with; `id` finds a bug in the log. */
export const ErrorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), id: z.string().optional() }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Body = z.ZodType | "bytes" | null;

/** `null` request: no body (`query` is the schema of the query string). `bytes`: raw, with its content type. `events`:
 * text/event-stream of JobEvent, from the start on every connection, ending in exactly one `completed`. */
export interface Route {
  readonly method: Method;
  readonly path: `/${string}`;
  readonly request: Body;
  readonly response: Body | "events";
  readonly query?: z.ZodType;
}

/** Every request the bot makes, signed as identity.ts says. What the signed person may not see answers `not_found`. */
export const routes = {
  /** Any picture that the limits allow, ≤ limits.maxUploadBytes; re-encoded without metadata before the first write. */
  createUpload: { method: "POST", path: "/uploads", request: "bytes", response: StoredPicture },
  createDraft: { method: "POST", path: "/drafts", request: CreateDraft, response: DraftView },
  readDraft: { method: "GET", path: "/drafts/:id", request: null, response: DraftView },
  patchDraft: { method: "PATCH", path: "/drafts/:id", request: PatchDraft, response: DraftView },
  describeDraft: { method: "POST", path: "/drafts/:id/describe", request: DescribeDraft, response: DraftView },
  zoomDraft: { method: "POST", path: "/drafts/:id/zoom", request: ZoomDraft, response: DraftView },
  /** Starts, or joins, the learn job of this draft at this revision; its id is derived from both. */
  learnDraft: {
    method: "POST",
    path: "/drafts/:id/learn",
    request: z.strictObject({ revision: z.number().int().min(1) }),
    response: Prediction,
  },
  /** Idempotent: the first request under an id wins, later ones get its state. `viewer` and `owner` come from the signature. */
  putPrediction: {
    method: "PUT",
    path: "/predictions/:id",
    request: z.strictObject({ input: JobInput }),
    response: Prediction,
  },
  readPrediction: { method: "GET", path: "/predictions/:id", request: null, response: Prediction },
  followPrediction: { method: "GET", path: "/predictions/:id/events", request: null, response: "events" },
  cancelPrediction: { method: "POST", path: "/predictions/:id/cancel", request: null, response: Prediction },
  listConcepts: {
    method: "GET",
    path: "/concepts",
    request: null,
    query: ConceptQuery,
    response: z.strictObject({ concepts: z.array(ConceptSummary) }),
  },
  readConcept: { method: "GET", path: "/concepts/:id", request: null, response: ConceptSummary },
  /** Owner only. Gone from every list at once; `restore` brings it back until `undoUntil`. */
  deleteConcept: {
    method: "DELETE",
    path: "/concepts/:id",
    request: null,
    response: z.strictObject({ undoUntil: z.iso.datetime() }),
  },
  /** The signed person's own that `restore` can bring back, the one deleted last first. */
  listDeleted: {
    method: "GET",
    path: "/deleted-concepts",
    request: null,
    response: z.strictObject({ concepts: z.array(ConceptSummary.extend({ undoUntil: z.iso.datetime() })) }),
  },
  restoreConcept: { method: "POST", path: "/concepts/:id/restore", request: null, response: ConceptSummary },
  /** Destroys at once, without undo, every concept of the signed person, deleted ones too: how many stored objects went, and how
   * many could not be removed; asking again goes on with those. */
  forgetMe: {
    method: "DELETE",
    path: "/concepts",
    request: null,
    response: z.strictObject({ removed: z.number().int().min(0), failed: z.number().int().min(0) }),
  },
  /** Owner only (a moderator may take it out of their server, for as long as none lets it in again). `server` is the server of the signature. */
  shareConcept: {
    method: "POST",
    path: "/concepts/:id/share",
    request: z.strictObject({ scope: z.enum(["private", "server"]) }),
    response: SharedConcept,
  },
  /** What moderators took out of the server of the signature, for its moderators alone. */
  listBarred: {
    method: "GET",
    path: "/barred-concepts",
    request: null,
    query: BarredQuery,
    response: z.strictObject({ concepts: z.array(BarredConcept) }),
  },
  /** Moderators only: its owner may share it with the server of the signature again. */
  letInConcept: { method: "POST", path: "/concepts/:id/let-in", request: null, response: BarredConcept },
  /** `:key` keeps its slashes. A picture of a draft, job or concept that the signed person may see. */
  readFile: { method: "GET", path: "/files/:key", request: null, response: "bytes" },
  /** Creates it unless it exists; answers what is stored. Identity comes from the signature. */
  putDelivery: { method: "PUT", path: "/deliveries/:id", request: CreateDelivery, response: Delivery },
  /** `service` only: everything not done. */
  listDeliveries: {
    method: "GET",
    path: "/deliveries",
    request: null,
    response: z.strictObject({ deliveries: z.array(Delivery) }),
  },
  /** `service`, or the person it is for; compare-and-swap on `revision`, else `conflict`. */
  patchDelivery: { method: "PATCH", path: "/deliveries/:id", request: PatchDelivery, response: Delivery },
} as const satisfies Record<string, Route>;

import { createHash } from "node:crypto";
import { z } from "zod";
import type { Id } from "../../shared/concept.ts";
import { Draft } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import { type DescribeOutput, LearnInput } from "../../shared/job.ts";
import type { Store } from "../store/store.ts";
import { createDocument, readDocument, updateDocument } from "./document.ts";
import { markExpiry } from "./expiry.ts";

/** `drafts/<id>.json`. A name that its person chose stays; a suggested one follows the caption. */
const StoredDraft = z.strictObject({ draft: Draft, nameChosen: z.boolean() });
export type StoredDraft = z.infer<typeof StoredDraft>;

/** All that belongs to a draft but itself; it expires as a whole. */
export const draftFolder = (id: Id): string => `drafts/${id}`;
/** Everything a describer wrote for a draft, and its drawn views. */
export const draftFilesFolder = (id: Id): string => `${draftFolder(id)}/files`;
const keyOf = (id: Id) => `drafts/${id}.json`;

export interface Drafts {
  /** What is stored under the draft's id afterwards: this draft, or the one that was there. */
  create(stored: StoredDraft): Promise<StoredDraft>;
  read(id: Id): Promise<StoredDraft | undefined>;
  /** Changes the draft at `revision`. @throws UserError conflict when it has another one, not_found */
  change(id: Id, revision: number, change: (stored: StoredDraft) => StoredDraft): Promise<StoredDraft>;
}

export function createDrafts(store: Store): Drafts {
  return {
    read: (id) => readDocument(store, keyOf(id), StoredDraft),
    async create(stored) {
      const { id, created } = stored.draft;
      await markExpiry(store, keyOf(id), Date.parse(created));
      await markExpiry(store, draftFolder(id), Date.parse(created));
      await createDocument(store, keyOf(id), StoredDraft, stored);
      return (await readDocument(store, keyOf(id), StoredDraft)) ?? stored;
    },
    async change(id, revision, change) {
      const after = await updateDocument(store, keyOf(id), StoredDraft, (stored) => {
        if (stored === undefined) return undefined;
        checkRevision(stored.draft, revision);
        return change(stored);
      });
      if (after === undefined) throw new UserError("not_found", "This draft is gone: begin again with the picture.");
      return after;
    },
  };
}

/** @throws UserError conflict */
export function checkRevision(draft: Draft, revision: number): void {
  if (draft.revision === revision) return;
  throw new UserError(
    "conflict",
    `This draft was changed in the meantime (revision ${draft.revision}, not ${revision}). Look at it again first.`,
  );
}

/** The draft with the describer's findings; whatever the person had written about the old ones goes. */
export function withCandidates(stored: StoredDraft, found: DescribeOutput, click: Draft["click"]): StoredDraft {
  const { caption: _caption, className: _className, click: _click, welcome: _welcome, ...kept } = stored.draft;
  const draft: Draft = {
    ...kept,
    ...(click && { click }),
    candidates: found.candidates,
    selected: 0,
    zoom: [],
    initialiser: startOf({ candidates: found.candidates, selected: 0 }),
    ...(found.welcome && { welcome: found.welcome }),
  };
  return { ...stored, draft: stored.nameChosen ? draft : { ...draft, name: found.suggestedName } };
}

/** What Learn would start from: the person's own words are a caption that is right. */
export const startOf = ({ caption, candidates, selected }: Pick<Draft, "caption" | "candidates" | "selected">) =>
  caption ? "caption" : (candidates[selected]?.initialiser ?? "caption");

/** What Learn would learn from: the person's words where there are any, else the candidate's. */
export function wordsOf(draft: Draft): { readonly caption?: string; readonly className?: string } {
  const candidate = draft.candidates[draft.selected];
  const caption = draft.caption ?? candidate?.caption;
  const className = draft.className ?? candidate?.className;
  return { ...(caption && { caption }), ...(className && { className }) };
}

/** The same for the same draft and revision, so that pressing Learn twice joins one job. */
export function learnJobId(draft: Draft): Id {
  const hash = createHash("sha256").update(`learn\n${draft.id}\n${draft.revision}`).digest("hex");
  return `learn-${hash.slice(0, 32)}`;
}

/** @throws UserError bad_request when nothing was found or pointed at yet */
export function learnInput(draft: Draft): LearnInput {
  const candidate = draft.candidates[draft.selected];
  if (candidate === undefined) {
    throw new UserError("bad_request", "Nothing is selected yet. Point at the thing in the picture first.");
  }
  return LearnInput.parse({
    task: "learn",
    picture: draft.picture.key,
    click: candidate.click,
    level: candidate.level,
    mask: candidate.mask,
    ...wordsOf(draft),
    name: draft.name,
    owner: draft.owner,
    server: draft.server,
    initialiser: draft.initialiser,
  });
}

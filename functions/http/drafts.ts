import type { Hono } from "hono";
import { type CreateDraft, type DraftView, routes } from "../../shared/api.ts";
import type { Id } from "../../shared/concept.ts";
import { suggestConceptName } from "../../shared/concept-name.ts";
import type { Draft, Point } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import { DescribeInput, type DescribeOutput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import {
  checkRevision,
  createDrafts,
  draftFilesFolder,
  draftFolder,
  learnInput,
  learnJobId,
  type StoredDraft,
  startOf,
  withCandidates,
  wordsOf,
} from "../jobs/drafts.ts";
import { markExpiry } from "../jobs/expiry.ts";
import { predictionOf } from "../jobs/job-record.ts";
import { createTaskFiles } from "../jobs/task-files.ts";
import { suggestName } from "../tasks/describe.ts";
import type { Describe, DrawDraft, NotesOn, ServiceDeps } from "./app-deps.ts";
import { drawDraftView } from "./draft-view.ts";
import { type AppEnv, mount } from "./mount.ts";
import { notFound, pngSize } from "./pictures.ts";
import type { Acceptance } from "./predictions.ts";

export interface DraftDeps extends Pick<ServiceDeps, "store" | "clock" | "newId"> {
  readonly describe: Describe;
  readonly drawDraft: DrawDraft;
  readonly notesOn: NotesOn;
  readonly mayRead: (identity: Identity, key: string) => Promise<boolean>;
  readonly accept: Acceptance["accept"];
}

/** Draws a picture → candidates → words → Learn: everything before the GPU is asked. */
export function mountDrafts(app: Hono<AppEnv>, deps: DraftDeps): void {
  const drafts = createDrafts(deps.store);

  const owned = async (identity: Identity, id: Id): Promise<StoredDraft> => {
    const stored = await drafts.read(id);
    if (stored?.draft.owner.id === identity.user.id) return stored;
    throw new UserError("not_found", "This draft is gone, or it is not yours: begin again with the picture.");
  };

  const running = new Map<string, { readonly userId: Id; readonly found: Promise<DescribeOutput> }>();
  /** A client that lost patience and asks again joins what it asked for. Each run writes under a folder of its own, so that two
   * at once never mix their masks. @throws UserError too_many */
  const describe = async (userId: Id, id: Id, picture: string, click: Point | undefined): Promise<DescribeOutput> => {
    const key = JSON.stringify([id, picture, click]);
    const joined = running.get(key);
    if (joined !== undefined) return joined.found;
    const own = [...running.values()].filter((each) => each.userId === userId).length;
    if (own >= limits.maxDescribesPerUser) {
      throw new UserError(
        "too_many",
        `I am looking at ${own} pictures of yours. Wait for one of them, then try again.`,
      );
    }
    const run = async (): Promise<DescribeOutput> => {
      // Before the first of its files: what a describer that fails or dies leaves must expire too.
      await markExpiry(deps.store, draftFolder(id), deps.clock.now());
      return deps.describe(
        DescribeInput.parse({ task: "describe", picture, click }),
        createTaskFiles(deps.store, `${draftFilesFolder(id)}/${deps.newId()}`),
      );
    };
    const found = run().finally(() => running.delete(key));
    running.set(key, { userId, found });
    return found;
  };

  /** Compare-and-swap at the end: what was described meanwhile for another revision is dropped. */
  const redescribe = async (
    stored: StoredDraft,
    revision: number,
    click: Point | undefined,
    zoom: Draft["zoom"],
  ): Promise<StoredDraft> => {
    checkRevision(stored.draft, revision);
    const at = click ?? stored.draft.click;
    const { owner, id, picture } = stored.draft;
    const found = await describe(owner.id, id, picture.key, at);
    return drafts.change(id, revision, (current) => {
      const next = withCandidates(current, found, at);
      return { ...next, draft: { ...next.draft, zoom, revision: revision + 1 } };
    });
  };

  const view = async ({ draft }: StoredDraft): Promise<DraftView> => ({
    draft,
    picture: await drawDraftView(deps, draft),
    notes: [...deps.notesOn(wordsOf(draft).caption ?? "")],
  });

  mount(app, routes.createDraft, async ({ identity, body }) => {
    const known = await drafts.read(body.id);
    if (known !== undefined) return view(ownedOrConflict(known, identity));
    if (!(await deps.mayRead(identity, body.picture))) throw notFound(body.picture);
    const found = await describe(identity.user.id, body.id, body.picture, body.click);
    const fresh = await newDraft(deps, identity, body, found);
    return view(ownedOrConflict(await drafts.create(fresh), identity));
  });

  mount(app, routes.readDraft, async ({ identity, id }) => view(await owned(identity, id)));

  mount(app, routes.patchDraft, async ({ identity, id, body }) => {
    const { revision, ...patch } = body;
    await owned(identity, id);
    return view(await drafts.change(id, revision, (stored) => patched(stored, patch)));
  });

  mount(app, routes.describeDraft, async ({ identity, id, body }) =>
    view(await redescribe(await owned(identity, id), body.revision, body.click, [])),
  );

  mount(app, routes.zoomDraft, async ({ identity, id, body }) => {
    const stored = await owned(identity, id);
    const [outer, inner] = body.cells;
    if (outer !== undefined && inner !== undefined) {
      return view(await redescribe(stored, body.revision, cellCentre(outer, inner), body.cells));
    }
    // Looking closer changes nothing that would be learned: the revision stays.
    const { draft } = await drafts.change(id, body.revision, (current) => ({
      ...current,
      draft: { ...current.draft, zoom: body.cells },
    }));
    return { draft, picture: await drawDraftView(deps, draft, body.cells), notes: [] };
  });

  mount(app, routes.learnDraft, async ({ identity, id, body }) => {
    const stored = await owned(identity, id);
    checkRevision(stored.draft, body.revision);
    const job = learnJobId(stored.draft);
    const record = await deps.accept(identity, job, learnInput(stored.draft));
    await drafts.change(id, body.revision, (current) => ({ ...current, draft: { ...current.draft, job } }));
    return Response.json(predictionOf(record), { status: 202 });
  });
}

function ownedOrConflict(stored: StoredDraft, identity: Identity): StoredDraft {
  if (stored.draft.owner.id === identity.user.id) return stored;
  throw new UserError("conflict", "This id stands for somebody else's draft. Begin again with the picture.");
}

async function newDraft(
  deps: DraftDeps,
  identity: Identity,
  body: CreateDraft,
  found: DescribeOutput,
): Promise<StoredDraft> {
  const { id, picture, click, name, channel, message, locale } = body;
  const stored = await deps.store.get(picture);
  if (stored === undefined) throw notFound(picture);
  const draft: Draft = {
    id,
    revision: 1,
    owner: identity.user,
    ...(identity.server && { server: identity.server }),
    ...(channel && { channel }),
    ...(message && { message }),
    ...(locale && { locale }),
    created: new Date(deps.clock.now()).toISOString(),
    picture: { key: picture, ...pngSize(stored.data) },
    zoom: [],
    candidates: [],
    selected: 0,
    name: name ?? found.suggestedName,
    initialiser: "caption",
  };
  return withCandidates({ draft, nameChosen: name !== undefined }, found, click);
}

type Patch = Omit<(typeof routes)["patchDraft"]["request"]["_output"], "revision">;

function patched(stored: StoredDraft, patch: Patch): StoredDraft {
  const { draft } = stored;
  const selected = patch.selected ?? draft.selected;
  const candidate = draft.candidates[selected];
  if (patch.selected !== undefined && candidate === undefined) {
    throw new UserError(
      "bad_request",
      `There are ${draft.candidates.length} candidates, counted from 0; got ${patch.selected}.`,
    );
  }
  const { caption: oldCaption, className: oldClass, ...rest } = draft;
  const caption = patch.caption === undefined ? oldCaption : patch.caption;
  const className = patch.className === undefined ? oldClass : patch.className;
  // A name that nobody chose follows the words: the person's own, or the class that the describer saw.
  const suggested = caption ? suggestConceptName(caption) : candidate && suggestName(candidate);
  const nameChosen = stored.nameChosen || patch.name !== undefined;
  return {
    nameChosen,
    draft: {
      ...rest,
      revision: draft.revision + 1,
      selected,
      initialiser: startOf({ candidates: draft.candidates, selected, ...(caption && { caption }) }),
      name: patch.name ?? (nameChosen ? draft.name : (suggested ?? draft.name)),
      ...(caption && { caption }),
      ...(className && { className }),
      zoom: [],
    },
  };
}

/** The middle of the inner cell of two nested 5×5 grids, as fractions of the picture. */
export function cellCentre(outer: number, inner: number): Point {
  const along = (cells: readonly [number, number]) => (cells[0] + (cells[1] + 0.5) / 5) / 5;
  return {
    x: along([outer % 5, inner % 5]),
    y: along([Math.floor(outer / 5), Math.floor(inner / 5)]),
  };
}

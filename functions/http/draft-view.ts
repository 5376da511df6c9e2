import { createHash } from "node:crypto";
import type { Draft } from "../../shared/draft.ts";
import type { DrawnPicture } from "../../shared/job.ts";
import { short } from "../../shared/short.ts";
import { draftFilesFolder } from "../jobs/drafts.ts";
import { createTaskFiles } from "../jobs/task-files.ts";
import type { Store } from "../store/store.ts";
import type { DrawDraft } from "./app-deps.ts";
import { pngSize } from "./pictures.ts";

/** The draft's picture, drawn once for each look: its key says what it shows. */
export async function drawDraftView(
  deps: { readonly store: Store; readonly drawDraft: DrawDraft },
  draft: Draft,
  pointing: readonly number[] | undefined = draft.zoom.length === 1 ? draft.zoom : undefined,
): Promise<DrawnPicture> {
  const masks = draft.candidates.map(({ mask }) => mask);
  const look = pointing === undefined ? [masks, draft.selected, draft.click ?? null] : ["grid", pointing];
  const name = createHash("sha256").update(JSON.stringify(look)).digest("hex").slice(0, 24);
  const folder = draftFilesFolder(draft.id);
  const files = createTaskFiles(deps.store, folder);
  const drawn = await deps.store.get(`${folder}/${name}.png`);
  const describes = { kind: "outline" as const, alt: altText(draft, pointing) };
  if (drawn !== undefined) return { key: drawn.key, ...pngSize(drawn.data), ...describes };
  const picture = await files.read(draft.picture.key);
  const png = await deps.drawDraft(
    pointing === undefined
      ? {
          picture,
          masks: await Promise.all(masks.map((key) => files.read(key))),
          selected: draft.selected,
          ...(draft.click && { click: draft.click }),
        }
      : { picture, zoom: pointing },
  );
  return { key: await files.write(`${name}.png`, png), ...pngSize(png), ...describes };
}

function altText(draft: Draft, pointing: readonly number[] | undefined): string {
  if (pointing !== undefined) return "The picture under a grid of five by five cells, A1 top left to E5 bottom right.";
  const things = draft.candidates.map(({ caption }, i) => `${i + 1}: ${caption}`);
  return short(`The picture with things outlined and numbered. ${things.join("; ")}.`, 1_024);
}

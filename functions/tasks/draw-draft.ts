import type { Point } from "../../shared/draft.ts";
import { candidates } from "../drawing/candidates.ts";
import { pickGrid } from "../drawing/pick-grid.ts";
import { decodeMask, type Mask } from "../tensor/mask.ts";
import { readPicture } from "../tensor/pixels.ts";

/** What a draft shows: its candidates, or the grid to point with. */
export type DraftScene = { readonly picture: Uint8Array } & (
  | { readonly masks: readonly Uint8Array[]; readonly selected: number; readonly click?: Point }
  | { readonly zoom: readonly number[] }
);

/** The picture of a draft, PNG: candidates outlined and numbered, the selected one strongest; or the part zoomed into, under
 * a 5×5 grid. Picture and masks are encoded pictures. @throws UserError bad_image */
export async function drawDraft(scene: DraftScene): Promise<Uint8Array> {
  const picture = await readPicture(scene.picture);
  if ("zoom" in scene) return await pickGrid({ picture, zoom: scene.zoom });
  // One after another: all at once they would be one long turn of the process, which answers others in between.
  const masks: Mask[] = [];
  for (const mask of scene.masks) masks.push(await decodeMask(mask));
  return await candidates({ picture, masks, selected: scene.selected, click: scene.click });
}

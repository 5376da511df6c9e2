import { resizePicture } from "../tensor/pixels.ts";
import type { GrabCut } from "./grab-cut.ts";
import { refineDrawing } from "./refine-drawing.ts";
import { cutPhotograph } from "./refine-photograph.ts";
import type { Refine, Segmenters } from "./vision.ts";

/** Longer edge in pixels of the copy that is cut. */
const edge = 160;

/** A better mask where the learned one is poor: in drawings where the segmenter's own score is under `below`, in photographs always. */
export const createRefine =
  (segmenters: Segmenters, grabCut: GrabCut, below: number): Refine =>
  async (picture, segment, { click, photograph }) => {
    if (segment.level !== "object" || (segment.score >= below && !photograph)) return segment;
    const small = await resizePicture(picture, { width: edge, height: edge, fit: "inside" });
    const asked = { picture, small, click, photograph };
    const mask = photograph
      ? await cutPhotograph(segmenters.seeds, grabCut, asked)
      : await refineDrawing(segmenters, grabCut, segment, asked);
    return mask ? { ...segment, mask } : segment;
  };

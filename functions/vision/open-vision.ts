import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../shared/error.ts";
import type { Engine } from "../onnx/engine.ts";
import { createGrabCut } from "./grab-cut.ts";
import { openLocalCaptioner } from "./local-captioner.ts";
import { openLocalClassifier } from "./local-classifier.ts";
import { openLocalSegmenter } from "./local-segmenter.ts";
import { createRefine } from "./refine-mask.ts";
import type { Segmenter, Segmenters, Vision } from "./vision.ts";

/** Ours, chosen by the recipe: below this score of its own a mask is refined; masks are drawn to outlines by this guided filter. Absent: never. */
const SegmenterConfig = z.looseObject({
  refine_below: z.number().min(0).max(1).optional(),
  outline: z.object({ radius: z.int().positive(), epsilon: z.number().positive() }).optional(),
});

/** The local models of a folder: `segmenter/`, `captioner/`, `classifier/` and, where drawings and photographs have a segmenter each,
 * `photograph-segmenter/`. `decode` turns the captioner's token ids into text. */
export function openVision(folder: string, engine: Engine, decode: (ids: readonly number[]) => string): Vision {
  const { below, ...segmenters } = openSegmenters(folder, engine);
  return {
    segmenter: segmenters.shown,
    ...(below !== undefined && { refine: createRefine(segmenters, createGrabCut(), below) }),
    captioner: openLocalCaptioner(join(folder, "captioner"), engine, decode),
    classifier: openLocalClassifier(join(folder, "classifier"), engine),
  };
}

/** The segmenters of a folder, and the score of drawings below which masks are refined. */
export function openSegmenters(folder: string, engine: Engine): Segmenters & { readonly below: number | undefined } {
  const [drawings, photographs] = ["segmenter", "photograph-segmenter"].map((name) =>
    openSegmenter(join(folder, name), engine),
  );
  if (drawings === undefined) throw new UserError("bad_config", `${folder} has no segmenter/config.json.`);
  return {
    shown: byKind(drawings.segmenter, photographs?.segmenter),
    seeds: byKind(drawings.seeds, photographs?.seeds),
    below: drawings.below,
  };
}

function openSegmenter(folder: string, engine: Engine) {
  const path = join(folder, "config.json");
  if (!existsSync(path)) return undefined;
  const { refine_below: below, outline } = SegmenterConfig.parse(JSON.parse(readFileSync(path, "utf8")));
  const segmenter = openLocalSegmenter(folder, engine, outline);
  // A cut draws outlines itself: it is seeded by masks that no filter has drawn to some already.
  return { segmenter, seeds: outline ? openLocalSegmenter(folder, engine) : segmenter, below };
}

const byKind = (drawings: Segmenter, photographs = drawings): Segmenter => ({
  encode: (picture, photograph = false) => (photograph ? photographs : drawings).encode(picture),
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../onnx/engine.ts";
import { createGrabCut } from "./grab-cut.ts";
import { openLocalCaptioner } from "./local-captioner.ts";
import { openLocalClassifier } from "./local-classifier.ts";
import { openLocalSegmenter } from "./local-segmenter.ts";
import { createRefine } from "./refine-mask.ts";
import type { Vision } from "./vision.ts";

/** Ours, chosen by the recipe: below this score of its own a mask is cut anew; masks are drawn to outlines by this guided filter. Absent: never. */
const SegmenterConfig = z.looseObject({
  refine_below: z.number().min(0).max(1).optional(),
  outline: z.object({ radius: z.int().positive(), epsilon: z.number().positive() }).optional(),
});

/** The three local models of a folder: `segmenter/`, `captioner/`, `classifier/`. `decode` turns the captioner's token ids
 * into text. */
export function openVision(folder: string, engine: Engine, decode: (ids: readonly number[]) => string): Vision {
  const config = SegmenterConfig.parse(JSON.parse(readFileSync(join(folder, "segmenter", "config.json"), "utf8")));
  const { refine_below: below, outline } = config;
  const segmenter = openLocalSegmenter(join(folder, "segmenter"), engine, outline);
  // A cut draws outlines itself: it is seeded by masks that no filter has drawn to some already.
  const seeds = outline ? openLocalSegmenter(join(folder, "segmenter"), engine) : segmenter;
  return {
    segmenter,
    ...(below !== undefined && { refine: createRefine(seeds, createGrabCut(), below) }),
    captioner: openLocalCaptioner(join(folder, "captioner"), engine, decode),
    classifier: openLocalClassifier(join(folder, "classifier"), engine),
  };
}

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

/** Ours, fitted by the recipe: below this score of its own a mask is cut anew. Absent: never. */
const SegmenterConfig = z.looseObject({ refine_below: z.number().min(0).max(1).optional() });

/** The three local models of a folder: `segmenter/`, `captioner/`, `classifier/`. `decode` turns the captioner's token ids
 * into text. */
export function openVision(folder: string, engine: Engine, decode: (ids: readonly number[]) => string): Vision {
  const segmenter = openLocalSegmenter(join(folder, "segmenter"), engine);
  const config = SegmenterConfig.parse(JSON.parse(readFileSync(join(folder, "segmenter", "config.json"), "utf8")));
  const { refine_below: below } = config;
  return {
    segmenter,
    ...(below !== undefined && { refine: createRefine(segmenter, createGrabCut(), below) }),
    captioner: openLocalCaptioner(join(folder, "captioner"), engine, decode),
    classifier: openLocalClassifier(join(folder, "classifier"), engine),
  };
}

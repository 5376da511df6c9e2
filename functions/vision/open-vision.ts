import { join } from "node:path";
import type { Engine } from "../onnx/engine.ts";
import { openLocalCaptioner } from "./local-captioner.ts";
import { openLocalClassifier } from "./local-classifier.ts";
import { openLocalSegmenter } from "./local-segmenter.ts";
import type { Vision } from "./vision.ts";

/** The three local models of a folder: `segmenter/`, `captioner/`, `classifier/`. `decode` turns the captioner's token ids
 * into text. */
export const openVision = (folder: string, engine: Engine, decode: (ids: readonly number[]) => string): Vision => ({
  segmenter: openLocalSegmenter(join(folder, "segmenter"), engine),
  captioner: openLocalCaptioner(join(folder, "captioner"), engine, decode),
  classifier: openLocalClassifier(join(folder, "classifier"), engine),
});

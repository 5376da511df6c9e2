import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../onnx/engine.ts";
import { loadOnce } from "../onnx/load-once.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { readPreprocessor } from "./preprocessor.ts";
import type { Classifier } from "./vision.ts";

const ClassifierConfig = z.looseObject({
  id2label: z.record(z.string().regex(/^\d+$/), z.string()),
  /** Ours, fitted by the recipe: logits are divided by it, so that scores are frequencies (Guo et al. 2017). */
  temperature: z.number().positive().default(1),
  /** Ours: see `Classifier.sureAbove`. */
  sure_above: z.number().min(0).max(1).default(0),
  /** Ours: see `Classifier.drawingsOnly`. */
  drawings_only: z.boolean().default(false),
});

/** An image classifier in ViT's ONNX export: `model.onnx` (pixel_values → logits), config.json with id2label. The first
 * synonym of a label stands for it, as in the paper. */
export function openLocalClassifier(folder: string, engine: Engine): Classifier {
  const preprocess = readPreprocessor(join(folder, "preprocessor_config.json"));
  const {
    id2label,
    temperature,
    sure_above: sureAbove,
    drawings_only: drawingsOnly,
  } = ClassifierConfig.parse(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")));
  const model = loadOnce(engine, "classifier", () => ({ bytes: readFileSync(join(folder, "model.onnx")) }));
  return {
    sureAbove,
    drawingsOnly,
    classify: async (picture, count) => {
      const { pixels } = await preprocess(picture);
      const { data } = (await model.run({ pixel_values: pixels }))["logits"] as Tensor;
      const most = data.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const sum = data.reduce((total, logit) => total + Math.exp((logit - most) / temperature), 0);
      return Array.from(data, (logit, i) => ({
        label: (id2label[i] ?? `class ${i}`).split(",")[0] as string,
        score: Math.exp((logit - most) / temperature) / sum,
      }))
        .sort((a, b) => b.score - a.score)
        .slice(0, count);
    },
  };
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../../functions/onnx/engine.ts";
import { loadOnce } from "../../functions/onnx/load-once.ts";
import { type Box, type Picture, resizePicture, toTensor } from "../../functions/tensor/pixels.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { UserError } from "../../shared/error.ts";

/** What a judge sees in one picture. Probabilities sum to 1 over the labels of the same name. */
export interface Judgement {
  readonly subject: Float32Array;
  readonly scene: Float32Array;
  readonly colour: Float32Array;
  /** Of length 1: the dot product of two is their likeness, −1…1. */
  readonly features: Float32Array;
}

export interface Judge {
  readonly words: readonly string[];
  readonly scenes: readonly string[];
  readonly colours: readonly string[];
  judge(pictures: readonly Picture[]): Promise<readonly Judgement[]>;
}

const Labels = z.object({ words: z.array(z.string()), scenes: z.array(z.string()), colours: z.array(z.string()) });
const folder = join(import.meta.dirname, "judges");
const side = 64;
const batch = 64;
/** All around a masked subject: what recipe/judges.py trained with. */
const gray = 128;

/** Two judges of different architecture and seed, trained on true composites only (recipe/judges.py): tune on `a`, report `b`. */
export const openJudges = (engine: Engine): { readonly a: Judge; readonly b: Judge } => ({
  a: openJudge(engine, "judge-a"),
  b: openJudge(engine, "judge-b"),
});

function openJudge(engine: Engine, name: string): Judge {
  const read = (ending: string) => readFileSync(join(folder, `${name}.${ending}`));
  if (!existsSync(join(folder, `${name}.onnx`))) {
    throw new UserError("not_found", `Expected ${name}.onnx in test/check-model/judges; recipe/judges.py trains it.`);
  }
  const labels = Labels.parse(JSON.parse(read("json").toString()));
  const model = loadOnce(engine, name, () => ({ bytes: read("onnx") }));
  return {
    ...labels,
    judge: async (pictures) => {
      const judged: Judgement[] = [];
      for (let from = 0; from < pictures.length; from += batch) {
        const chosen = pictures.slice(from, from + batch);
        const sized = await Promise.all(chosen.map((picture) => resizePicture(picture, { width: side, height: side })));
        const made = await model.run({ pixel_values: toTensor(sized) });
        const row = (output: string, i: number) => rowOf(made[output] as Tensor, i);
        for (let i = 0; i < chosen.length; i++) {
          const background = row("background", i);
          judged.push({
            subject: softmax(row("subject", i)),
            scene: softmax(background.subarray(0, labels.scenes.length)),
            colour: softmax(background.subarray(labels.scenes.length)),
            features: row("features", i),
          });
        }
      }
      return judged;
    },
  };
}

/** The picture with gray all around a box: features of it are of the subject alone. */
export function onlyBox(picture: Picture, { left, top, width, height }: Box): Picture {
  const data = picture.data.map((value, i) => {
    const [x, y] = [Math.floor(i / 3) % picture.width, Math.floor(i / 3 / picture.width)];
    return x >= left && x < left + width && y >= top && y < top + height ? value : gray;
  });
  return { ...picture, data };
}

/** Place of the largest value. */
export const likeliest = (values: Float32Array): number => values.indexOf(values.reduce((a, b) => Math.max(a, b)));

const rowOf = ({ data, shape }: Tensor, i: number): Float32Array => {
  const width = shape[1] as number;
  return data.slice(i * width, (i + 1) * width);
};

function softmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = logits.map((logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

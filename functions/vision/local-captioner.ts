import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Engine } from "../onnx/engine.ts";
import { loadOnce } from "../onnx/load-once.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { readPreprocessor } from "./preprocessor.ts";
import type { Captioner } from "./vision.ts";

const GenerationConfig = z.looseObject({
  bos_token_id: z.int().min(0),
  decoder_start_token_id: z.int().min(0).optional(),
  eos_token_id: z.int().min(0),
  max_length: z.int().min(2).max(256).default(20),
});

/** A VisionEncoderDecoder export: `encoder_model.onnx`, `decoder_model.onnx`, generation_config.json and
 * preprocessor_config.json. Greedy decoding; a token is never taken twice in a row, nor a pair of tokens twice, so that a
 * caption cannot go "bald bald bald". */
export function openLocalCaptioner(
  folder: string,
  engine: Engine,
  decode: (ids: readonly number[]) => string,
): Captioner {
  const preprocess = readPreprocessor(join(folder, "preprocessor_config.json"));
  const config = GenerationConfig.parse(JSON.parse(readFileSync(join(folder, "generation_config.json"), "utf8")));
  const model = (name: string) => loadOnce(engine, name, () => ({ bytes: readFileSync(join(folder, name)) }));
  const [encoder, decoder] = [model("encoder_model.onnx"), model("decoder_model.onnx")];
  return {
    caption: async (crop) => {
      const { pixels } = await preprocess(crop);
      const encoded = (await encoder.run({ pixel_values: pixels }))["last_hidden_state"] as Tensor;
      const ids = [config.decoder_start_token_id ?? config.bos_token_id];
      let logProbability = 0;
      while (ids.length < config.max_length) {
        const outputs = await decoder.run({
          input_ids: { dtype: "i64", shape: [1, ids.length], data: BigInt64Array.from(ids, BigInt) },
          encoder_hidden_states: encoded,
        });
        const next = likeliest(outputs["logits"] as Tensor, ids);
        logProbability += next.logProbability;
        ids.push(next.id);
        if (next.id === config.eos_token_id) break;
      }
      const words = ids.slice(1).filter((id) => id !== config.eos_token_id);
      const confidence = Math.exp(logProbability / (ids.length - 1));
      return { text: decode(words).trim(), confidence };
    },
  };
}

/** The likeliest token after `ids` that repeats nothing, and its log-probability among all tokens. */
function likeliest({ data, shape }: Tensor, ids: readonly number[]): { id: number; logProbability: number } {
  const vocabulary = shape.at(-1) as number;
  const logits = data.subarray(data.length - vocabulary);
  const last = ids.at(-1) as number;
  const repeats = (id: number): boolean =>
    ids.length > 1 && (id === last || ids.some((previous, i) => previous === last && ids[i + 1] === id));
  let best = -1;
  for (let id = 0; id < vocabulary; id++) {
    if (!repeats(id) && (best < 0 || (logits[id] as number) > (logits[best] as number))) best = id;
  }
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const logSum = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  return { id: best, logProbability: (logits[best] as number) - logSum };
}

import { sample } from "../../functions/diffusion/sample.ts";
import { promptContext } from "../../functions/tasks/prompt-context.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { concat, part } from "../../functions/tensor/batch.ts";
import { fromTensor, type Picture } from "../../functions/tensor/pixels.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import { drain } from "../support/drain.ts";

const steps = 20;

/** One picture a prompt, all in one batch, with guidance; picture i from `seed` + i. `rows`: f32 [n, D] of the concept
 * that the prompts may name. `scale`: of the guidance, the model's own when absent. */
export async function drawPrompts(
  bench: Workbench,
  prompts: readonly string[],
  seed: number,
  rows?: Tensor,
  scale?: number,
): Promise<readonly Picture[]> {
  const model = await bench.model();
  const findRows = () => (rows ? Promise.resolve(rows) : Promise.reject(new Error("these prompts name no concept")));
  const contextOf = async (prompt: string) => (await promptContext(model, parsePrompt(prompt), findRows)).context;
  const contexts = [];
  for (const prompt of prompts) contexts.push(await contextOf(prompt));
  const sampling = sample({
    model,
    sampler: "dpmpp-2m-karras",
    steps,
    guidance: scale ?? model.about.defaults.guidance,
    seeds: prompts.map((_, i) => seed + i),
    context: concat(contexts),
    negativeContext: await contextOf(""),
    maxBatch: prompts.length,
  });
  const { returned: latents } = await drain(sampling);
  const pictures: Picture[] = [];
  for (let i = 0; i < prompts.length; i++) {
    pictures.push(...fromTensor(await model.decodeLatents(part(latents, i, i + 1))));
  }
  return pictures;
}

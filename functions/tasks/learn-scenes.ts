import { UserError } from "../../shared/error.ts";
import type { LearnInput } from "../../shared/job.ts";
import { parsePrompt, referencesOf } from "../../shared/prompt.ts";
import type { Model } from "../models/model.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { buildPrompt } from "./prompt-context.ts";

/** The scenes' prompts with the word in them, each known to be drawable before anything is learned. `rows`: as many as will be
 * learned. @throws UserError bad_prompt, too_large naming the scene */
export async function learnScenes(
  model: Model,
  { name }: Pick<LearnInput, "name">,
  scenes: readonly string[],
  rows: Tensor,
): Promise<readonly string[]> {
  const prompts = scenes.map((scene) => scene.replaceAll("{}", `<${name}>`));
  for (const [i, prompt] of prompts.entries()) {
    try {
      const parts = parsePrompt(prompt);
      const other = referencesOf(parts).find((reference) => reference.owner !== undefined || reference.name !== name);
      if (other) {
        const said = other.owner === undefined ? `<${other.name}>` : `<${other.owner}/${other.name}>`;
        throw new UserError(
          "bad_prompt",
          `${said} is another word; a scene has {}, the one that is learned, and no other.`,
        );
      }
      await buildPrompt(model, parts, async () => rows);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(error.code, `Scene ${i + 1}: ${error.message}`, { cause: error });
    }
  }
  return prompts;
}

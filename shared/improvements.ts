import { z } from "zod";

/** What a learn job may change of its mode's own settings, each independent of the others; absent means as the mode has it. */
export const Improvements = z.strictObject({
  /** How rows move. `adamw`: freely; `direction`: on the sphere of their initial norm (Directional Textual Inversion). */
  update: z.enum(["adamw", "direction"]).optional(),
  /** Weight decay as in the paper's code. */
  decay: z.boolean().optional(),
  /** Show mirror images as well: not for lettering and clock faces. */
  flip: z.boolean().optional(),
  /** One timestep from each of B equal ranges per step. */
  stratified: z.boolean().optional(),
  /** Loss weight outside the mask; 1 ignores the mask. */
  maskFloor: z.number().min(0).max(1).optional(),
  /** Learn from the square around the thing, in which it is as large as things usually are; else from the whole picture, squashed. */
  framing: z.boolean().optional(),
  /** Begin where the model's look encoder, if it has one, sees the thing; else where its words are. */
  look: z.boolean().optional(),
  /** Learn so many rows more than the words have, which begin as `*`: for what words do not say. */
  moreTokens: z.number().int().min(0).max(8).optional(),
  /** λ of the background term: outside the mask, look as the plain class word does (SingleInsert); 0 is none. */
  background: z.number().min(0).max(10).optional(),
  /** Learn also from so many pictures of the thing cut out and set on plain grounds that the prompts name; 0 is none. */
  recompositions: z.number().int().min(0).max(8).optional(),
  /** α: draw large timesteps more often during the first half (ReVersion); 0 is none. */
  largeTimesteps: z.number().min(0).max(1).optional(),
  /** Keep an exponential average of the rows of many steps, not those of one. */
  averaging: z.boolean().optional(),
  /** Keep the step that is best on a fixed bank; else the last. */
  keepBest: z.boolean().optional(),
  /** Stop when that bank has not got better for a while. */
  earlyStopping: z.boolean().optional(),
});
export type Improvements = z.infer<typeof Improvements>;

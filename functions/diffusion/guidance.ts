import { UserError } from "../../shared/error.ts";
import type { Model } from "../models/model.ts";
import { concat, part } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { weightedSum } from "./weighted-sum.ts";

/** What a picture should show, and how much. */
interface Conditioning {
  /** Context of the prompt, f32 [B, T, D]. */
  readonly context: Tensor;
  /** Context of what it should not show, f32 [B, T, D]: of the empty text when there is no negative prompt. */
  readonly negativeContext?: Tensor;
  /** Guidance scale; 1 is none. */
  readonly guidance: number;
}

/** The network as samplers see it: latents f32 [B, C, h, w] at one timestep → output of that shape. */
type Predict = (latents: Tensor, timestep: number) => Promise<Tensor>;

/** Classifier-free guidance (Ho & Salimans 2022, eq. 6): negative + guidance · (prompt − negative), both from one call
 * of twice the batch. At guidance 1 the negative half drops out of the formula and is not computed. */
export function guided(model: Pick<Model, "predict">, { context, negativeContext, guidance }: Conditioning): Predict {
  if (guidance === 1) {
    return (latents, timestep) => model.predict(latents, repeat(timestep, latents), context);
  }
  if (!Number.isFinite(guidance)) throw new UserError("bad_request", `guidance must be a number, got ${guidance}`);
  if (negativeContext === undefined) throw new Error(`guided: guidance ${guidance} needs a negative context`);
  const contexts = concat([negativeContext, context]);
  return async (latents, timestep) => {
    const pair = concat([latents, latents]);
    const output = await model.predict(pair, repeat(timestep, pair), contexts);
    const count = latents.shape[0] ?? 0;
    return weightedSum([1 - guidance, part(output, 0, count)], [guidance, part(output, count, 2 * count)]);
  };
}

const repeat = (timestep: number, { shape }: Tensor): number[] => new Array<number>(shape[0] ?? 0).fill(timestep);

import type { SampleOptions } from "../../functions/diffusion/sample.ts";
import { alphasCumprod, type NoiseScheduleConfig } from "../../functions/models/noise-schedule.ts";
import { sizeOf, tensor } from "../../functions/tensor/tensor.ts";

/** The noise schedule of Stable Diffusion 1. */
export const stableDiffusion: NoiseScheduleConfig = {
  schedule: "scaled_linear",
  betaStart: 0.00085,
  betaEnd: 0.012,
  timesteps: 1000,
};

/** A network given as a formula, one number at a time: output = formula(z, t, first number of the picture's context). */
export type Formula = (z: number, timestep: number, context: number) => number;

/** A diffusion model whose network is a formula, so that what sampling must give is known. */
export function closedFormModel(
  formula: Formula,
  change: Partial<SampleOptions["model"]> = {},
  schedule = stableDiffusion,
) {
  const calls: { readonly batch: number; readonly timestep: number }[] = [];
  const model: SampleOptions["model"] = {
    latentShape: [4, 4, 4],
    prediction: "epsilon",
    alphasCumprod: alphasCumprod(schedule),
    scheduler: { stepsOffset: 1, setAlphaToOne: false },
    predict: async ({ data, shape }, timesteps, context) => {
      calls.push({ batch: timesteps.length, timestep: timesteps[0] ?? Number.NaN });
      const size = sizeOf(shape.slice(1));
      const width = sizeOf(context.shape.slice(1));
      const at = (i: number) => Math.floor(i / size);
      return tensor(
        data.map((z, i) => formula(z, timesteps[at(i)] ?? Number.NaN, context.data[at(i) * width] ?? Number.NaN)),
        shape,
      );
    },
    ...change,
  };
  return { model, calls };
}

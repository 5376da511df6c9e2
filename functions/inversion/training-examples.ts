import type { OpenedModel } from "../models/open-model.ts";
import { integers, normal, uniform } from "../tensor/noise.ts";
import type { Bank } from "./bank.ts";
import type { Example } from "./examples.ts";
import { emphasisAt, emphasise } from "./large-timesteps.ts";
import type { LearnOptions } from "./learn-options.ts";
import { evenWeights } from "./loss-weights.ts";
import { drawLatents } from "./posterior.ts";
import { templates } from "./templates.ts";
import { promptOf, type View } from "./views.ts";

/** The B examples of one step: drawn afresh — per example template, view, posterior sample, timestep, noise — or, where the
 * background term keeps its predictions, taken from their bank by timestep. Benchmarks replay them. */
export function trainingExamples(
  model: OpenedModel,
  options: LearnOptions,
  views: readonly View[],
  step: number,
  bank?: Bank,
): readonly Example[] {
  const { batch, seed } = options;
  const draw = (what: string) => ({ seed, stream: ["learn", step, what] });
  const chosen = integers(batch, templates.length, draw("template"));
  const viewed = integers(batch, views.length, draw("flip"));
  const times = uniform(batch, draw("timestep"));
  const unmasked = (uniform(1, draw("mask"))[0] as number) < options.unmaskedShare;
  const even = evenWeights(model.latentShape);
  const alpha = emphasisAt(options, step);
  return Array.from({ length: batch }, (_, i) => {
    const time = times[i] as number;
    const position = emphasise(options.stratified ? (i + time) / batch : time, alpha);
    if (bank) {
      const kept = bank[Math.floor(position * bank.length)] as Example;
      return unmasked ? { ...kept, cells: even } : kept;
    }
    const view = views[viewed[i] as number] as View;
    const { shape } = view.posterior.mean;
    const sampled = normal(shape, { seed, stream: ["learn", step, "posterior", i] });
    return {
      template: promptOf(templates[chosen[i] as number] as string, view),
      latents: drawLatents(view.posterior, sampled, model.scalingFactor),
      noise: normal(shape, { seed, stream: ["learn", step, "noise", i] }),
      timestep: Math.floor(position * model.alphasCumprod.length),
      cells: unmasked ? even : view.cells,
    };
  });
}

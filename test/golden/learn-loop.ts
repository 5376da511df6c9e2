/** The run that test/golden/learn-loop.py repeats in PyTorch. Run directly, it writes every random draw of that run, counted
 * again from the documented streams rather than taken from the loop: node test/golden/learn-loop.ts <file.safetensors> */
import { paperDefaults } from "../../functions/inversion/learn-options.ts";
import { templates } from "../../functions/inversion/templates.ts";
import { stack } from "../../functions/tensor/batch.ts";
import { integers, normal, uniform } from "../../functions/tensor/noise.ts";
import { mirror, type Picture, toTensor } from "../../functions/tensor/pixels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { write } from "../../functions/tensor/write-safetensors.ts";

const side = 16;
const latentShape = [1, 4, 8, 8];
const timestepCount = 1000;

export const learnLoop = {
  caption: "a red mug",
  options: paperDefaults({ steps: 100, batch: 4, seed: 11 }),
  picture: {
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * i * 7 + i * 37) % 256),
  } satisfies Picture,
};

function drawsOfStep(step: number) {
  const { batch, seed } = learnLoop.options;
  const source = (...what: (string | number)[]) => ({ seed, stream: ["learn", step, ...what] });
  const each = <T>(draw: (i: number) => T): T[] => Array.from({ length: batch }, (_, i) => draw(i));
  return {
    template: integers(batch, templates.length, source("template")),
    view: integers(batch, 2, source("flip")),
    timestep: [...uniform(batch, source("timestep"))].map((u) => Math.floor(u * timestepCount)),
    posterior: stack(each((i) => normal(latentShape, source("posterior", i)))),
    noise: stack(each((i) => normal(latentShape, source("noise", i)))),
  };
}

if (import.meta.main) {
  const { options, picture, caption } = learnLoop;
  const steps = Array.from({ length: options.steps }, (_, step) => drawsOfStep(step));
  const numbers = (pick: (draws: (typeof steps)[number]) => number[]) =>
    tensor(Float32Array.from(steps.flatMap(pick)), [options.steps, options.batch]);
  const tensors = {
    view: numbers((draws) => draws.view),
    template: numbers((draws) => draws.template),
    timestep: numbers((draws) => draws.timestep),
    posterior: stack(steps.map((draws) => draws.posterior)),
    noise: stack(steps.map((draws) => draws.noise)),
    pixels: toTensor([picture, mirror(picture)]),
  };
  write(process.argv[2] as string, tensors, {
    caption,
    templates: JSON.stringify(templates),
    options: JSON.stringify(options),
  });
}

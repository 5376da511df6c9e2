import type { Welcome } from "../../shared/draft.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import { strip } from "../drawing/grid.ts";
import type { TaskContext } from "../jobs/runner.ts";
import { fromTensor, type Picture, readPicture, resizePicture, toTensor } from "../tensor/pixels.ts";
import type { Described } from "../vision/describe-picture.ts";
import { drawn, drawPictures } from "./draw-pictures.ts";
import { squareSource } from "./square-source.ts";
import type { Workbench } from "./workbench.ts";

/** Few: a first look, not a work of art. */
const samplerSteps = 12;
const seed = 1;

/** What somebody sees who brings a photograph to a model of drawings, before learning: the photograph, all that the model sees of
 * it (the square it learns from, through its autoencoder), and its caption drawn. Undefined where the model draws photographs. */
export async function welcome(
  bench: Pick<Workbench, "art" | "model">,
  picture: Picture,
  thing: Pick<Described, "caption" | "className" | "mask" | "sure">,
  { files, signal }: Pick<TaskContext, "files"> & { readonly signal: AbortSignal | undefined },
): Promise<Welcome | undefined> {
  if (bench.art === undefined) return undefined;
  const model = await bench.model();
  const square = await squareSource({ picture, mask: thing.mask }, model.side, true);
  const { mean } = await model.encodePixels(toTensor(square.picture));
  const scaled = { ...mean, data: mean.data.map((value) => value * model.scalingFactor) };
  const [seen] = fromTensor(await model.decodeLatents(scaled)) as [Picture];
  const drawing = drawPictures(model, {
    prompt: parsePrompt(thing.caption.replace(/[<>()[\]:]/g, " ")),
    negative: "",
    findRows: () => Promise.reject(new Error("a caption names no concept")),
    sampler: "dpmpp-2m-karras",
    steps: samplerSteps,
    guidance: model.about.defaults.guidance,
    seeds: [seed],
    signal,
  });
  const [art] = (await drawn(drawing)).pictures as [Picture];
  const noun = thing.caption.split(" ").at(-1) ?? thing.className;
  const large = (small: Picture) => resizePicture(small, { width: 256, height: 256, kernel: "nearest" });
  const png = await strip({
    tiles: [
      { picture, caption: "your photograph" },
      { picture: await large(seen), caption: `all that I see: ${model.side} × ${model.side} pixels` },
      { picture: await large(art), caption: thing.sure ? `a ${noun} as I draw it` : "perhaps like this" },
    ],
  });
  const { width, height } = await readPicture(png);
  const key = await files.write("welcome.png", png);
  const made = thing.sure
    ? `here is your ${noun} as one`
    : "I am not sure what this is, and here is my best guess as one";
  const text = `This is a photograph, and I draw ${bench.art}: ${made}. I can learn its kind and its colours, not its likeness.`;
  return { picture: { key, width, height }, text };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { z } from "zod";
import { suggestConceptName } from "../../shared/concept-name.ts";
import { limits } from "../../shared/limits.ts";
import { embeddedFolder } from "../models/catalog.ts";
import { type Click, clickArgument, wholeNumber } from "./arguments.ts";
import { imaginePictures } from "./imagine.ts";
import { learnPictures } from "./learn.ts";
import { heading, hint, say } from "./outputs.ts";
import type { Runner } from "./run.ts";

const Samples = z
  .array(
    z.object({
      file: z.string(),
      click: z.tuple([z.number(), z.number()]),
      name: z.string(),
      note: z.string().optional(),
    }),
  )
  .min(1);

export const demoCommand = (run: Runner): Command =>
  new Command("demo")
    .description("the main job from end to end on a bundled picture, or on yours")
    .argument("[picture]", "yours; a bundled picture of something the model never saw when left out")
    .option("--click <x,y>", "where the thing is, in pixels or percent", clickArgument)
    .option("--name <name>", "the new word")
    .option(
      "--steps <n>",
      `optimisation steps, 1 to ${limits.maxLearnSteps}`,
      wholeNumber(1, limits.maxLearnSteps),
      100,
    )
    .option("--out <folder>", "where pictures go", "out")
    .action((picture: string | undefined, flags: { click?: Click; name?: string; steps: number; out: string }) =>
      run(async (session, signal) => {
        const { path, click, name } = picture ? { path: picture, ...flags } : { ...(await bundledSample()), ...flags };
        heading(`Teaching a new word from ${path}`);
        const learned = await learnPictures(
          session,
          [path],
          {
            ...(click && { click: [click] }),
            ...(name && { name }),
            init: "caption",
            level: "object",
            mode: "product",
            steps: flags.steps,
            batch: 4,
            seed: 0,
            out: flags.out,
            json: false,
          },
          signal,
        );
        const word = `<${learned.concept.name}>`;
        await imaginePictures(
          session,
          `${word} in a forest`,
          { count: 4, seed: 1, sampler: "dpmpp-2m-karras", negative: "", out: flags.out, json: false },
          signal,
        );
        say();
        heading("What to try next");
        hint(`  npm run imagine -- "a photo of ${word} under water" --count 4`);
        hint(`  npm run demo -- my.png --click 50%,50% --name mycat`);
        hint(
          `  npm run concepts -- export ${learned.concept.name}      (loads in AUTOMATIC1111, ComfyUI, InvokeAI, diffusers)`,
        );
        hint("  MODEL=stable-diffusion-v1-5 npm run demo -- my.jpg --click 50%,50%      (photographs; wants a GPU)");
        hint("  npm start      (the service with its Discord bot)");
      }),
    );

async function bundledSample(): Promise<{ path: string; click: Click; name: string }> {
  const folder = join(embeddedFolder, "samples");
  const [first] = Samples.parse(JSON.parse(await readFile(join(folder, "samples.json"), "utf8"))) as [
    z.infer<typeof Samples>[number],
  ];
  return {
    path: join(folder, first.file),
    click: clickArgument(first.click.join(",")),
    name: suggestConceptName(first.name),
  };
}

import { conceptName } from "../../shared/concept-name.ts";
import type { Candidate } from "../../shared/draft.ts";
import type { DescribeInput, TaskEvent } from "../../shared/job.ts";
import { beginning, short } from "../../shared/short.ts";
import { candidates as drawCandidates } from "../drawing/candidates.ts";
import { overlaySize } from "../drawing/mask-overlay.ts";
import type { TaskContext, TaskFiles } from "../jobs/runner.ts";
import { encodePng } from "../tensor/encode-picture.ts";
import { encodeMask } from "../tensor/mask.ts";
import { readPicture } from "../tensor/pixels.ts";
import { type Described, describePicture } from "../vision/describe-picture.ts";
import { looksLikePhotograph } from "../vision/photograph.ts";
import { welcome } from "./welcome.ts";
import type { Workbench } from "./workbench.ts";

/** Click → candidates with mask, caption and class, and the picture with them outlined. */
export async function* describe(
  bench: Pick<Workbench, "vision" | "art" | "model">,
  input: DescribeInput,
  { files, signal }: Pick<TaskContext, "files"> & Partial<Pick<TaskContext, "signal">>,
): AsyncGenerator<TaskEvent> {
  yield { type: "progress", stage: "describe", step: 0, total: 1 };
  const picture = await readPicture(await files.read(input.picture));
  const things = await describePicture(bench.vision, picture, { click: input.click, level: input.level, signal });
  const masks = things.map(({ mask }) => mask);
  const outlined = await drawCandidates({ picture, masks, selected: 0, click: input.click });
  const list: Candidate[] = [];
  for (const [i, thing] of things.entries()) list.push(await writeCandidate(thing, i, picture, files));
  const key = await files.write("candidates.png", outlined);
  const captions = things.map(({ caption }) => caption).join(", ");
  const alt = short(`The picture with ${things.length} outlined: ${captions}`, 1024);
  const photograph = await looksLikePhotograph(picture);
  signal?.throwIfAborted();
  const greeting = photograph ? await welcome(bench, picture, things[0] as Described, { files, signal }) : undefined;
  yield {
    type: "output",
    output: {
      task: "describe",
      candidates: list,
      suggestedName: suggestName(things[0] as Described),
      photograph,
      ...(greeting && { welcome: greeting }),
      outline: { key, kind: "outline", ...overlaySize(picture), alt },
    },
  };
}

async function writeCandidate(
  thing: Described,
  index: number,
  { width, height }: { readonly width: number; readonly height: number },
  files: TaskFiles,
): Promise<Candidate> {
  const { level, click, box, score, caption, className, sure, initialiser } = thing;
  return {
    level,
    click,
    box: { x: box.left / width, y: box.top / height, width: box.width / width, height: box.height / height },
    mask: await files.write(`mask-${index + 1}.png`, await encodeMask(thing.mask)),
    crop: await files.write(`crop-${index + 1}.png`, await encodePng(thing.crop)),
    caption: beginning(caption, 500),
    className: beginning(className, 100),
    score,
    sure,
    initialiser,
    words: thing.words.map((choice) => ({
      ...choice,
      word: beginning(choice.word, 100),
      caption: beginning(choice.caption, 500),
    })),
  };
}

/** "racing car" → `myracingcar`. */
export function suggestName({ className, sure }: Pick<Described, "className" | "sure">): string {
  const letters = className
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .slice(0, 24);
  return conceptName(`my${sure && letters ? letters : "thing"}`);
}

import type { LearnInput } from "../../shared/job.ts";
import type { TaskFiles } from "../jobs/runner.ts";
import { decodeMask, encodeMask, type Mask, resizeMask } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";
import { describePicture } from "../vision/describe-picture.ts";
import type { Workbench } from "./workbench.ts";

/** What is to be learned, where it is and what it is called. */
export interface Subject {
  readonly caption: string;
  readonly className: string;
  /** Of the picture's size; absent when the request gave words but neither click nor mask: the whole picture then. */
  readonly mask?: Mask;
  readonly maskKey?: string;
}

/** Takes what the request says and describes the rest. @throws UserError not_found when nothing is at the click */
export async function subjectOf(
  bench: Pick<Workbench, "vision">,
  input: LearnInput,
  picture: Picture,
  files: TaskFiles,
): Promise<Subject> {
  const given = input.mask ? await decodeMask(await files.read(input.mask)) : undefined;
  const { width, height } = picture;
  const mask = given && (given.width === width && given.height === height ? given : resizeMask(given, width, height));
  if (input.caption && (mask || !input.click)) {
    return {
      caption: input.caption,
      className: input.className ?? lastWord(input.caption),
      ...(mask && { mask, maskKey: input.mask as string }),
    };
  }
  const [thing] = await describePicture(bench.vision, picture, { click: input.click, level: input.level });
  if (!thing) throw new Error("describePicture promised at least one thing");
  const chosen = mask ?? thing.mask;
  return {
    caption: input.caption ?? thing.caption,
    className: input.className ?? thing.className,
    mask: chosen,
    maskKey: input.mask ?? (await files.write("mask.png", await encodeMask(chosen))),
  };
}

/** English noun phrases end in their noun, up to a preposition: "a red mug with dots" → "mug". */
const lastWord = (caption: string): string =>
  (caption.split(/\s+(?:with|in|on|of|at|and|under)\s+/i)[0] ?? caption).trim().split(/\s+/).at(-1) ?? caption;

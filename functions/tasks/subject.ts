import type { InitialiserKind } from "../../shared/concept.ts";
import type { LearnInput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { beginning } from "../../shared/short.ts";
import type { TaskFiles } from "../jobs/runner.ts";
import { decodeMask, encodeMask, type Mask, resizeMask } from "../tensor/mask.ts";
import { type Picture, readPicture } from "../tensor/pixels.ts";
import { describePicture } from "../vision/describe-picture.ts";
import type { Workbench } from "./workbench.ts";

/** What is to be learned, where it is and what it is called. */
export interface Subject {
  readonly caption: string;
  readonly className: string;
  /** Of the picture's size; absent when the request gave words but neither click nor mask: the whole picture then. */
  readonly mask?: Mask;
  readonly maskKey?: string;
  /** What its word starts from: the caption, unless in product mode describing cannot tell what it is. */
  readonly initialiser: InitialiserKind;
}

/** Takes what the request says and describes the rest. @throws UserError not_found when nothing is at the click */
export async function subjectOf(
  bench: Pick<Workbench, "vision">,
  input: LearnInput,
  picture: Picture,
  files: TaskFiles,
): Promise<Subject> {
  const mask = await givenMask(input.mask, picture, files);
  if (input.caption && (mask || !input.click)) {
    return {
      caption: input.caption,
      className: input.className ?? classOf(input.caption),
      initialiser: input.initialiser ?? "caption",
      ...(mask && { mask, maskKey: input.mask as string }),
    };
  }
  const [thing] = await describePicture(bench.vision, picture, { click: input.click, level: input.level });
  if (!thing) throw new Error("describePicture promised at least one thing");
  const chosen = mask ?? thing.mask;
  return {
    caption: input.caption ?? thing.caption,
    className: input.className ?? thing.className,
    initialiser: input.initialiser ?? (input.caption || input.mode === "paper" ? "caption" : thing.initialiser),
    mask: chosen,
    maskKey: input.mask ?? (await files.write("mask.png", await encodeMask(chosen))),
  };
}

/** A further picture of the subject, read, with its mask, and where both lie in the store. */
export interface FurtherSource {
  readonly picture: Picture;
  readonly mask?: Mask | undefined;
  readonly keys: { readonly source: string; readonly mask?: string };
}

/** Reads the job's further pictures and finds what is clicked in them; with neither mask nor click all of a picture counts.
 * @throws UserError not_found when nothing is at a click */
export async function furtherPictures(
  bench: Pick<Workbench, "vision">,
  { morePictures }: Pick<LearnInput, "morePictures">,
  files: TaskFiles,
): Promise<readonly FurtherSource[]> {
  const found: FurtherSource[] = [];
  for (const [i, { picture: source, click, level, mask: maskKey }] of morePictures.entries()) {
    const picture = await readPicture(await files.read(source));
    const mask = await givenMask(maskKey, picture, files);
    if (mask && maskKey) {
      found.push({ picture, mask, keys: { source, mask: maskKey } });
    } else if (click) {
      const [thing] = await describePicture(bench.vision, picture, { click, level });
      if (!thing) throw new Error("describePicture promised at least one thing");
      const key = await files.write(`mask-${i + 2}.png`, await encodeMask(thing.mask));
      found.push({ picture, mask: thing.mask, keys: { source, mask: key } });
    } else {
      found.push({ picture, keys: { source } });
    }
  }
  return found;
}

/** The request's own mask at the picture's size. */
async function givenMask(
  key: string | undefined,
  { width, height }: Picture,
  files: TaskFiles,
): Promise<Mask | undefined> {
  if (key === undefined) return undefined;
  const mask = await decodeMask(await files.read(key));
  return mask.width === width && mask.height === height ? mask : resizeMask(mask, width, height);
}

/** The class of a thing of which only a caption is known. English noun phrases end in their noun, up to a preposition:
 * "a red mug with dots" → "mug". */
export function classOf(caption: string): string {
  const phrase = caption.split(/\s+(?:with|in|on|of|at|and|under)\s+/i)[0] ?? caption;
  return beginning(phrase.trim().split(/\s+/).at(-1) ?? caption, limits.maxClassCharacters);
}

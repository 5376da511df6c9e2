import { createHash } from "node:crypto";
import type { Composite } from "../../functions/inversion/counterfactual-bank.ts";
import type { Words } from "../../functions/inversion/initialiser.ts";
import type { Source } from "../../functions/inversion/views.ts";
import type { Workbench } from "../../functions/tasks/workbench.ts";
import { cropOnWhite } from "../../functions/tensor/crop-on-white.ts";
import { type Mask, resizeMask } from "../../functions/tensor/mask.ts";
import { type Picture, resizePicture } from "../../functions/tensor/pixels.ts";
import { bankSide } from "../check-model/bank.ts";
import { type HeldOutThing, openHeldOut } from "../check-model/gallery.ts";

import { rightCaption } from "./right-captions.ts";

/** A thing that no part of the model has seen: the picture it is learned from, and the same thing truly drawn elsewhere. */
export interface Thing {
  readonly name: string;
  /** `instances`: the model knows its kind but not this look, as in the paper; `classes`: it has never seen its kind, so no
   * caption can be right. */
  readonly kind: string;
  /** Squashed to the model's side, as is its mask. */
  readonly picture: Picture;
  readonly mask: Mask;
  readonly click: readonly [x: number, y: number];
  readonly elsewhere: readonly Composite[];
  /** For concepts that are learned from several pictures; none shows a scene of `elsewhere`. */
  readonly more: readonly Source[];
  readonly words: ThingWords;
  /** As the bank has it. */
  readonly held: HeldOutThing;
  /** Changes with everything above. */
  readonly digest: string;
}

/** `className` is of the whole picture, as in the paper; `clickedClass` of what was clicked. */
interface FoundWords extends Words {
  readonly clickedClass: string;
}

/** `rightCaption` is told by no captioner. */
export interface ThingWords extends FoundWords {
  readonly rightCaption: string;
}

/** The paper's twelve, each the nearest that the held-out pictures have, in the order of its table A.1. */
const paperThings = [
  ...["cup", "pot", "crowned pink birds duck", "police car", "dotted blue faces cat", "green household things clock"],
  ...["teapot", "orange animals in top hats elephant", "backpack", "sunglasses", "sneaker", "monster"],
];

/** What is known of a picture's thing in words. */
type Describe = (bench: Workbench, picture: Picture, mask: Mask) => Promise<FoundWords>;

/** The first `count` things, the paper's before all others. */
export async function openThings(bench: Workbench, count: number, describe: Describe): Promise<readonly Thing[]> {
  const { things: all, phrases } = await openHeldOut();
  const { side } = await bench.model();
  const rank = (name: string): number => (paperThings.includes(name) ? paperThings.indexOf(name) : paperThings.length);
  const chosen = all.toSorted((a, b) => rank(a.name) - rank(b.name)).slice(0, count);
  const things: Thing[] = [];
  for (const held of chosen) {
    const { name, group, scenes, click, picture, mask, others } = held;
    const square = (of: Picture) => resizePicture(of, { width: side, height: side, fit: "fill" });
    const elsewhere = await Promise.all(
      others.map(async (other, i) => ({
        scene: `a photo of a {} ${phrases[scenes[i + 1] as string] as string}`,
        picture: await square(other),
      })),
    );
    const more = await Promise.all(
      held.more.map(async (one) => ({ picture: await square(one.picture), mask: resizeMask(one.mask, side, side) })),
    );
    const words = await describe(bench, picture, mask);
    const hash = createHash("sha256").update(JSON.stringify([words, elsewhere.map(({ scene }) => scene), side]));
    const further = held.more.flatMap((one) => [one.picture, one.mask]);
    for (const { data } of [mask, picture, ...others, ...further]) hash.update(data);
    things.push({
      kind: group.split(":")[0] as string,
      ...{
        name,
        elsewhere,
        more,
        held,
        words: { ...words, rightCaption: rightCaption(held) },
        digest: hash.digest("hex"),
      },
      picture: await square(picture),
      mask: resizeMask(mask, side, side),
      click: [(click[0] * side) / bankSide, (click[1] * side) / bankSide],
    });
  }
  return things;
}

/** The caption of what was clicked, and both classes. */
export const describeLocally: Describe = async ({ vision }, picture, mask) => {
  const crop = cropOnWhite(picture, mask);
  const { text: caption } = await vision.captioner.caption(crop);
  const classOf = async (seen: Picture) => (await vision.classifier.classify(seen, 1))[0]?.label ?? caption;
  return { caption, className: await classOf(picture), clickedClass: await classOf(crop) };
};

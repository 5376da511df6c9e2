import { type Mask, maskArea, maskFrom, overlap } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { withoutSpecks } from "../../functions/vision/one-piece.ts";
import { looksLikePhotograph } from "../../functions/vision/photograph.ts";
import { readBank, readClicks, readMasks, readSheet } from "./bank.ts";
import { type Check, shareOut } from "./check.ts";
import { type Figure, meanOf } from "./figure.ts";

/** Radius of the disc around the click that any segmenter must beat, in sides of the picture: about that of the mean object. */
const discRadius = 0.22;
/** Shares of the picture from which a thing is called medium and large. */
const [medium, large] = [0.1, 0.3];

interface Clicked {
  readonly picture: Picture;
  readonly mask: Mask;
  readonly click: readonly [number, number];
  readonly kind: "one" | "two" | "clutter";
}

interface Row extends Pick<Clicked, "kind"> {
  readonly iou: number;
  /** Of the network's mask, before it was refined. */
  readonly learned: number;
  readonly disc: number;
  /** Of the picture, that the thing takes. */
  readonly share: number;
}

/** Click → mask of the object, as people are shown it, on unseen composites: one thing on a drawn background, by its size; two that overlap; and, harder than
 * asked for, one to four things on any background at the networks' own 64 pixels, slivers of hidden things among them. */
export const checkClick: Check = async ({ benches, sample, each }) => {
  const clicked = [...(await composites("one")), ...(await composites("two")), ...(await clutter())];
  const rows = await shareOut(benches, sample(clicked), async (bench, { fact }): Promise<Row> => {
    const { picture, mask, kind } = fact;
    const [x, y] = fact.click;
    const at = { x: x / (picture.width - 1), y: y / (picture.height - 1) };
    const photograph = await looksLikePhotograph(picture);
    const [found] = await (await bench.vision.segmenter.encode(picture, photograph))(at, ["object"]);
    const refined = found && (await bench.vision.refine?.(picture, found, { click: at, photograph }));
    each();
    const overlapOf = (segment = found) => (segment ? overlap(withoutSpecks(segment.mask), mask) : 0);
    const share = maskArea(mask) / mask.data.length;
    return { kind, iou: overlapOf(refined), learned: overlapOf(), disc: overlap(disc(x, y, mask.width), mask), share };
  });
  const figure = (name: string, holds: (row: Row) => boolean, goal?: number): Figure =>
    meanOf(
      `click: ${name}`,
      rows.filter(holds).map(({ iou }) => iou),
      goal,
    );
  const one = (holds: (share: number) => boolean) => (row: Row) => row.kind === "one" && holds(row.share);
  return [
    figure("IoU, one thing", ({ kind }) => kind === "one", 0.88),
    figure(
      "IoU, one thing, under a tenth of the picture",
      one((share) => share < medium),
    ),
    figure(
      "IoU, one thing, a tenth to three",
      one((share) => share >= medium && share < large),
    ),
    figure(
      "IoU, one thing, from three tenths",
      one((share) => share >= large),
    ),
    figure("IoU, two things overlap", ({ kind }) => kind === "two", 0.8),
    figure("IoU, clutter", ({ kind }) => kind === "clutter"),
    ...(["one", "two", "clutter"] as const).map((kind) =>
      meanOf(
        `click: IoU of the network's masks, ${kind}`,
        rows.filter((row) => row.kind === kind).map(({ learned }) => learned),
      ),
    ),
    meanOf(
      "click: IoU of a disc around it, one thing",
      rows.filter(({ kind }) => kind === "one").map((row) => row.disc),
    ),
  ];
};

async function composites(kind: "one" | "two"): Promise<readonly Clicked[]> {
  const clicks = readClicks()[kind];
  const pictures = await readSheet(`clicks-${kind}.avif`, clicks.length);
  const masks = await readMasks(`click-masks-${kind}.png`, clicks.length);
  return clicks.map((click, i) => ({ kind, click, picture: pictures[i] as Picture, mask: masks[i] as Mask }));
}

async function clutter(): Promise<readonly Clicked[]> {
  const { clicks } = readBank();
  const pictures = await readSheet("clicks.avif", clicks.length);
  const masks = await readMasks("click-masks.png", clicks.length);
  return clicks.map(({ click }, i) => ({
    kind: "clutter",
    click,
    picture: pictures[i] as Picture,
    mask: masks[i] as Mask,
  }));
}

function disc(x: number, y: number, side: number): Mask {
  const inside = Array.from({ length: side ** 2 }, (_, i) =>
    Number(((i % side) - x) ** 2 + (Math.floor(i / side) - y) ** 2 < (discRadius * side) ** 2),
  );
  return maskFrom(inside, side, side);
}

import { type Mask, maskArea, maskFrom, overlap } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { bankSide, readBank, readMasks, readSheet } from "./bank.ts";
import { type Check, shareOut } from "./check.ts";
import { type Figure, meanOf } from "./figure.ts";

/** Pixels: radius of the disc around the click that any segmenter must beat, about that of the mean object. */
const discRadius = 14;

interface Row {
  readonly iou: number;
  readonly disc: number;
  readonly area: number;
  readonly overlapping: boolean;
}

/** Click → mask of the object on unseen composites, by the object's size, and where two things overlap. */
export const checkClick: Check = async ({ benches, sample, each }) => {
  const all = readBank().clicks;
  const pictures = await readSheet("clicks.webp", all.length);
  const masks = await readMasks("click-masks.png", all.length);
  const rows = await shareOut(benches, sample(all), async (bench, { fact, at }): Promise<Row> => {
    const [x, y] = fact.click;
    const segment = await bench.vision.segmenter.encode(pictures[at] as Picture);
    const segments = await segment({ x: x / (bankSide - 1), y: y / (bankSide - 1) });
    const found = segments.find(({ level }) => level === "object");
    const truth = masks[at] as Mask;
    each();
    const iou = found ? overlap(found.mask, truth) : 0;
    return { iou, disc: overlap(disc(x, y), truth), area: maskArea(truth), overlapping: fact.overlapping };
  });
  const figure = (name: string, holds: (row: Row) => boolean, goal?: number): Figure =>
    meanOf(
      `click: ${name}`,
      rows.filter(holds).map(({ iou }) => iou),
      goal,
    );
  return [
    figure("IoU", () => true, 0.88),
    figure("IoU, things overlap", ({ overlapping }) => overlapping, 0.8),
    figure("IoU, under 400 px", ({ area }) => area < 400),
    figure("IoU, 400 to 1,249 px", ({ area }) => area >= 400 && area < 1250),
    figure("IoU, from 1,250 px", ({ area }) => area >= 1250),
    meanOf(
      "click: IoU of a disc around it",
      rows.map((row) => row.disc),
    ),
  ];
};

function disc(x: number, y: number): Mask {
  const inside = Array.from({ length: bankSide ** 2 }, (_, i) =>
    Number(((i % bankSide) - x) ** 2 + (Math.floor(i / bankSide) - y) ** 2 < discRadius ** 2),
  );
  return maskFrom(inside, bankSide, bankSide);
}

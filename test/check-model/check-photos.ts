import { leastDeltaE } from "../photos/dominant-colour.ts";
import { measurePhotographs, nearColour } from "../photos/measure-photos.ts";
import { readPhotographs } from "../photos/photographs.ts";
import { type Check, shareOut } from "./check.ts";
import { meanOf } from "./figure.ts";

type Measured = Awaited<ReturnType<typeof measurePhotographs>>["figures"]["each"][number];

const mean = (values: readonly (number | boolean)[]): number =>
  values.reduce<number>((sum, value) => sum + Number(value), 0) / values.length;

/** Share of the drawings that have one of a photograph's main colours. */
const near = ({ colours: { drawn } }: Measured, { colours: { own } }: Measured): number =>
  mean(drawn.map((colours) => leastDeltaE(colours, own) <= nearColour));

/** Free photographs: masks, nouns, and the colour of what is learned from them in a hundred steps. */
export const checkPhotos: Check = async ({ benches, sample, each }) => {
  const found = await shareOut(benches, sample(await readPhotographs()), async (bench, { fact }) => {
    const { figures } = await measurePhotographs(bench, { only: fact.file });
    each();
    return figures;
  });
  const all = found.flatMap((figures) => figures.each);
  return [
    meanOf(
      "photographs told from drawings",
      found.map(({ detected }) => detected),
    ),
    meanOf(
      "photographs: usable mask (overlap ≥ 0.7)",
      all.map(({ overlap }) => overlap >= 0.7),
      0.8,
    ),
    meanOf(
      "photographs: usable mask without the cut",
      all.map(({ learnedOverlap }) => learnedOverlap >= 0.7),
    ),
    meanOf(
      "photographs: noun right or not sure",
      all.map(({ right, sure }) => right || !sure),
      1,
    ),
    meanOf(
      "photographs: dominant colour within ΔE*ab 20",
      all.map(({ deltaE }) => mean(deltaE.map((distance) => distance <= nearColour))),
      0.7,
    ),
    meanOf(
      "photographs: one of the main colours",
      all.map((one) => near(one, one)),
    ),
    meanOf(
      "photographs: the same of other photographs",
      all.map((one) => mean(all.filter((other) => other !== one).map((other) => near(one, other)))),
    ),
  ];
};

import { measurePhotographs } from "../photos/measure-photos.ts";
import { readPhotographs } from "../photos/photographs.ts";
import { type Check, shareOut } from "./check.ts";
import { meanOf } from "./figure.ts";

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
      all.map(({ deltaE = 100 }) => deltaE <= 20),
      0.7,
    ),
  ];
};

import type { Picture } from "../../functions/tensor/pixels.ts";
import { readBank, readSheet } from "./bank.ts";
import { type Check, shareOut } from "./check.ts";
import { meanOf } from "./figure.ts";

/** Whether captions of crops of known subjects say the subject's word and its colour. */
export const checkCaption: Check = async ({ benches, sample, each }) => {
  const all = readBank().crops;
  const pictures = await readSheet("crops.avif", all.length);
  const rows = await shareOut(benches, sample(all), async (bench, { fact: { word, colour }, at }) => {
    const { text } = await bench.vision.captioner.caption(pictures[at] as Picture);
    each();
    const said = text.split(" ");
    return { subject: said.includes(word), colours: colour === null ? [] : [said.includes(colour)] };
  });
  return [
    meanOf(
      "caption: subject word",
      rows.map(({ subject }) => subject),
      0.85,
    ),
    meanOf(
      "caption: colour word",
      rows.flatMap(({ colours }) => colours),
      0.85,
    ),
  ];
};

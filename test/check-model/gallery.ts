import { boundingBox, type Mask } from "../../functions/tensor/mask.ts";
import type { Box, Picture } from "../../functions/tensor/pixels.ts";
import { readBank, readMasks, readMoreScenes, readSheet } from "./bank.ts";
import { type Judge, likeliest, onlyBox } from "./judges.ts";

/** Where the model draws its subject: the middle of 64 pixels. */
export const middle: Box = { left: 7, top: 8, width: 50, height: 50 };

/** What is compared: a thing's place among the bank's held-out things, and a vector of length 1. */
export interface Seen {
  readonly thing: number;
  readonly vector: Float32Array;
}

/** Of two vectors of length 1, −1…1. */
export const likeness = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** The thing of the likeliest entry. */
export function nearest(vector: Float32Array, among: readonly Seen[]): number | undefined {
  let best: { thing: number; score: number } | undefined;
  for (const { thing, vector: other } of among) {
    const score = likeness(vector, other);
    if (!best || score > best.score) best = { thing, score };
  }
  return best?.thing;
}

/** Further pictures of every held-out thing, each with its mask, in the bank's order. */
async function readMore() {
  const scenes = Object.values(readMoreScenes());
  const count = scenes.flat().length;
  const pictures = await readSheet("held-out-more.webp", count);
  const masks = await readMasks("held-out-more-masks.png", count);
  const shown = pictures.map((picture, i) => ({ picture, mask: masks[i] as Mask }));
  return scenes.map(({ length }, at) => shown.slice(at * length, (at + 1) * length));
}

/** The held-out things of the bank: what each is learned from, and how it truly looks in scenes that learning never sees. */
export async function openHeldOut() {
  const { heldOut, scenes } = readBank();
  const each = heldOut[0]?.scenes.length ?? 0;
  const pictures = await readSheet("held-out.webp", heldOut.length * each);
  const masks = await readMasks("held-out-masks.png", heldOut.length * each);
  const more = await readMore();
  const subjects = pictures.map((picture, i) => onlyBox(picture, boundingBox(masks[i] as Mask) ?? middle));
  return {
    things: heldOut.map((fact, at) => ({
      ...fact,
      at,
      picture: pictures[at * each] as Picture,
      mask: masks[at * each] as Mask,
      /** In further scenes, for concepts that are learned from several pictures. */
      more: more[at] as (typeof more)[number],
      others: pictures.slice(at * each + 1, (at + 1) * each),
      /** Every picture with gray around the thing's box, the one that is learned from first. */
      subjects: subjects.slice(at * each, (at + 1) * each),
    })),
    phrases: scenes,
  };
}

export type HeldOutThing = Awaited<ReturnType<typeof openHeldOut>>["things"][number];

/** How a judge tells held-out things apart: by its features of the subject alone, among true pictures of all of them. */
export async function openGallery(judge: Judge, things: readonly HeldOutThing[]) {
  const featuresOf = async (pictures: readonly Picture[]) => (await judge.judge(pictures)).map((seen) => seen.features);
  const shown = async (pick: (thing: HeldOutThing) => readonly Picture[]): Promise<readonly Seen[]> => {
    const picked = things.flatMap((thing) => pick(thing).map((picture) => ({ thing: thing.at, picture })));
    const vectors = await featuresOf(picked.map(({ picture }) => picture));
    return picked.map(({ thing }, i) => ({ thing, vector: vectors[i] as Float32Array }));
  };
  const entries = await shown(({ subjects }) => subjects.slice(1));
  const groupOf = (thing: number) => things[thing]?.group;
  return {
    /** What is learned from, as the judge sees it: the ceiling of what a learned concept can reach. */
    learned: await shown(({ subjects }) => subjects.slice(0, 1)),
    /** Is the thing the nearest of all, and of its own group of four; and its likeness to its nearest true picture. */
    place: ({ thing, vector }: Seen) => ({
      nearest: nearest(vector, entries) === thing,
      nearestInFour:
        nearest(
          vector,
          entries.filter((entry) => groupOf(entry.thing) === groupOf(thing)),
        ) === thing,
      likeness: Math.max(
        ...entries.filter((entry) => entry.thing === thing).map((entry) => likeness(vector, entry.vector)),
      ),
    }),
    /** Drawn pictures → features of the subject, and the scene and background colour that the judge sees. */
    async look(pictures: readonly Picture[]) {
      const whole = await judge.judge(pictures);
      const alone = await featuresOf(pictures.map((picture) => onlyBox(picture, middle)));
      return whole.map(({ scene, colour }, i) => ({
        vector: alone[i] as Float32Array,
        scene: judge.scenes[likeliest(scene)] as string,
        colour: judge.colours[likeliest(colour)] as string,
      }));
    },
  };
}

export type Gallery = Awaited<ReturnType<typeof openGallery>>;

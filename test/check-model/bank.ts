import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Mask, maskFrom } from "../../functions/tensor/mask.ts";
import { type Picture, readPicture } from "../../functions/tensor/pixels.ts";

const Click = z.tuple([z.int(), z.int()]);
const Word = z.string();

/** Facts of the test bank that recipe/check_bank.py makes from seeds; pictures and masks lie beside them as sheets. */
const Bank = z.object({
  scenes: z.record(z.string(), z.string()),
  prompts: z.array(
    z.object({
      word: Word,
      scene: z.string().optional(),
      colour: z.string().optional(),
      phrase: z.string(),
      unseen: z.boolean(),
    }),
  ),
  clicks: z.array(z.object({ click: Click, overlapping: z.boolean() })),
  crops: z.array(z.object({ word: Word, colour: z.string().nullable() })),
  heldOut: z.array(z.object({ name: z.string(), group: z.string(), scenes: z.array(z.string()), click: Click })),
  known: z.array(z.object({ word: Word, scene: z.string().nullable(), colour: z.string().nullable() })),
});

const folder = join(import.meta.dirname, "bank");
/** Pixels of one side of the bank's pictures but those of `clicks.json`, which are as large as CHECK_SIDE of the recipe. */
export const bankSide = 64;
/** Pictures in a row of a sheet. */
const columns = 25;

export const readBank = (): z.infer<typeof Bank> =>
  Bank.parse(JSON.parse(readFileSync(join(folder, "bank.json"), "utf8")));

/** Where unseen composites are clicked on: one thing, and two that overlap. */
export const readClicks = (): Readonly<Record<"one" | "two", readonly (readonly [number, number])[]>> =>
  z
    .object({ one: z.array(Click), two: z.array(Click) })
    .parse(JSON.parse(readFileSync(join(folder, "clicks.json"), "utf8")));

/** The scenes of each held-out thing's further pictures, in the order of their sheet: none that it is shown in elsewhere. */
export const readMoreScenes = (): Readonly<Record<string, readonly string[]>> =>
  z.record(z.string(), z.array(z.string())).parse(JSON.parse(readFileSync(join(folder, "held-out-more.json"), "utf8")));

/** The first `count` pictures of a sheet, row by row. */
export async function readSheet(file: string, count: number): Promise<readonly Picture[]> {
  const sheet = await readPicture(join(folder, file));
  const side = sheet.width / columns;
  return Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(side * side * 3);
    for (let y = 0; y < side; y++) {
      const from = ((Math.floor(i / columns) * side + y) * sheet.width + (i % columns) * side) * 3;
      data.set(sheet.data.subarray(from, from + side * 3), y * side * 3);
    }
    return { width: side, height: side, data };
  });
}

export const readMasks = async (file: string, count: number): Promise<readonly Mask[]> =>
  (await readSheet(file, count)).map(({ data, width, height }) =>
    maskFrom(
      data.filter((_, i) => i % 3 === 0),
      width,
      height,
      127,
    ),
  );

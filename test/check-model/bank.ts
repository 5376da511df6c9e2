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
/** Pixels of one side of every picture of the bank. */
export const bankSide = 64;

export const readBank = (): z.infer<typeof Bank> =>
  Bank.parse(JSON.parse(readFileSync(join(folder, "bank.json"), "utf8")));

/** The scenes of each held-out thing's further pictures, in the order of their sheet: none that it is shown in elsewhere. */
export const readMoreScenes = (): Readonly<Record<string, readonly string[]>> =>
  z.record(z.string(), z.array(z.string())).parse(JSON.parse(readFileSync(join(folder, "held-out-more.json"), "utf8")));

/** The first `count` pictures of a sheet, row by row. */
export async function readSheet(file: string, count: number): Promise<readonly Picture[]> {
  const sheet = await readPicture(join(folder, file));
  const columns = sheet.width / bankSide;
  return Array.from({ length: count }, (_, i) => {
    const data = new Uint8Array(bankSide * bankSide * 3);
    for (let y = 0; y < bankSide; y++) {
      const from = ((Math.floor(i / columns) * bankSide + y) * sheet.width + (i % columns) * bankSide) * 3;
      data.set(sheet.data.subarray(from, from + bankSide * 3), y * bankSide * 3);
    }
    return { width: bankSide, height: bankSide, data };
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

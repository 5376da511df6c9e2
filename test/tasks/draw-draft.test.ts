import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { expect, test } from "vitest";
import { drawDraft } from "../../functions/tasks/draw-draft.ts";
import { encodeMask, type Mask } from "../../functions/tensor/mask.ts";

/** Of what the process's own thread computed while `work` went on, the share that it did without a pause at the longest. */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let [longest, all] = [0, 0];
  let last = process.threadCpuUsage();
  const look = () => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    longest = Math.max(longest, user + system);
    all += user + system;
  };
  let going = true;
  const watch = async () => {
    while (going) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      look();
    }
  };
  const watching = watch();
  await work().finally(() => {
    going = false;
  });
  await watching;
  return longest / all;
}

function disc(width: number, height: number, x: number, y: number, radius: number): Mask {
  const inside = (i: number) => Number(Math.hypot((i % width) - x, Math.floor(i / width) - y) < radius);
  return { width, height, data: new Uint8Array(width * height).map((_, i) => inside(i)) };
}

// Node 22 does not tell the time of one thread.
test.skipIf(process.threadCpuUsage === undefined)(
  "drawing a photograph with four masks leaves room to answer a press in between",
  async () => {
    const photo = await readFile(new URL("../photos/cat.jpg", import.meta.url));
    const [width, height] = [1_536, 1_024];
    const picture = await sharp(photo).resize(width, height, { fit: "fill" }).png().toBuffer();
    const discs = [
      disc(width, height, 600, 500, 400),
      disc(width, height, 600, 500, 150),
      disc(width, height, 1_100, 700, 200),
      disc(width, height, 300, 300, 120),
    ];
    const masks = await Promise.all(discs.map(encodeMask));
    // The first drawing of a process reads the letters.
    const small = await Promise.all([disc(32, 32, 16, 16, 8)].map(encodeMask));
    await drawDraft({ picture, masks: small, selected: 0 });
    const turn = await longestTurn(() => drawDraft({ picture, masks, selected: 1, click: { x: 0.4, y: 0.5 } }));
    // Four masks in one turn were 73 % of all.
    expect(turn).toBeLessThan(0.3);
  },
);

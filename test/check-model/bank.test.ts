import { expect, test } from "vitest";
import { boundingBox } from "../../functions/tensor/mask.ts";
import { bankSide, readBank, readClicks, readMasks, readMoreScenes, readSheet } from "./bank.ts";
import { meanOf } from "./figure.ts";
import { openHeldOut } from "./gallery.ts";
import { onlyBox } from "./judges.ts";

const bank = readBank();

test("every click lies on the thing that its mask shows", async () => {
  const masks = await readMasks("click-masks.png", bank.clicks.length);
  const heldOut = await readMasks("held-out-masks.png", bank.heldOut.length * 3);
  const pairs = [
    ...bank.clicks.map(({ click }, i) => ({ click, mask: masks[i] })),
    ...bank.heldOut.map(({ click }, i) => ({ click, mask: heldOut[i * 3] })),
  ];
  for (const [kind, clicks] of Object.entries(readClicks())) {
    const shown = await readMasks(`click-masks-${kind}.png`, clicks.length);
    pairs.push(...clicks.map((click, i) => ({ click: [...click] as [number, number], mask: shown[i] })));
  }
  expect(pairs).toHaveLength(500 + 48 + 500 + 250);
  expect(pairs.filter(({ click: [x, y], mask }) => mask?.data[y * mask.width + x] !== 1)).toEqual([]);
});

test("the held-out things are 48 in groups of four", () => {
  const groups = Map.groupBy(bank.heldOut, ({ group }) => group);
  expect([...groups.values()].map((things) => things.length)).toEqual(Array(12).fill(4));
});

test("further pictures show the same things, in scenes that they are neither learned nor judged in", async () => {
  const scenes = readMoreScenes();
  expect(Object.keys(scenes)).toEqual(bank.heldOut.map(({ name }) => name));
  for (const { name, scenes: taken } of bank.heldOut) {
    expect(new Set([...taken, ...(scenes[name] as string[])]).size).toBe(taken.length + 4);
  }
  const { things } = await openHeldOut();
  const colourOf = ({ picture, mask }: (typeof things)[number]["more"][number]) =>
    [0, 1, 2].map((channel) => {
      const seen = [...mask.data.keys()].filter((i) => mask.data[i] === 1);
      return seen.reduce((sum, i) => sum + (picture.data[i * 3 + channel] as number), 0) / seen.length;
    });
  for (const thing of things) {
    const [first, ...others] = [thing, ...thing.more].map(colourOf) as [number[], ...number[][]];
    expect(others).toHaveLength(4);
    // The scene shows through a cup's handle, and a thing's edge is mixed with it: no more than that.
    for (const other of others) {
      for (const [i, value] of other.entries()) expect(Math.abs(value - (first[i] as number))).toBeLessThan(20);
    }
  }
});

test("at least 300 prompts name a scene, a third of them in pairs that training never shows", () => {
  const scenes = bank.prompts.filter(({ scene }) => scene);
  expect(scenes.length).toBeGreaterThanOrEqual(300);
  expect(scenes.filter(({ unseen }) => unseen).length * 3).toBeGreaterThanOrEqual(scenes.length);
});

test("a picture that is shown by its box alone keeps the box and is gray around it", async () => {
  const [picture] = await readSheet("held-out.webp", 1);
  const [mask] = await readMasks("held-out-masks.png", 1);
  const box = boundingBox(mask as never) as NonNullable<ReturnType<typeof boundingBox>>;
  const shown = onlyBox(picture as never, box);
  const middle = (Math.floor(box.top + box.height / 2) * bankSide + Math.floor(box.left + box.width / 2)) * 3;
  expect(shown.data[0]).toBe(128);
  expect(shown.data[middle]).toBe(picture?.data[middle]);
});

test("a mean of hits counts them as one, with an interval inside 0 to 1", () => {
  const { value, interval } = meanOf("hits", [true, true, true, false]);
  expect(value).toBe(0.75);
  expect(interval).toEqual([expect.closeTo(0.26), 1]);
});

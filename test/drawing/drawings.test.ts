import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { candidates } from "../../functions/drawing/candidates.ts";
import { grid, strip } from "../../functions/drawing/grid.ts";
import { learnStrip } from "../../functions/drawing/learn-strip.ts";
import { lossChart } from "../../functions/drawing/loss-chart.ts";
import { maskOverlay } from "../../functions/drawing/mask-overlay.ts";
import { outlineMask } from "../../functions/drawing/outline.ts";
import { partOf, pickGrid, zoomBox } from "../../functions/drawing/pick-grid.ts";
import { theme } from "../../functions/drawing/theme.ts";
import { type Mask, maskArea, maskFrom } from "../../functions/tensor/mask.ts";
import { type Picture, readPicture } from "../../functions/tensor/pixels.ts";
import { cellName } from "../../shared/cell-name.ts";

/** One colour. */
const plain = (width: number, height: number, colour: readonly number[]): Picture => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3] ?? 0),
});

/** A disc, as a share of the shorter side. */
const disc = (width: number, height: number, radius: number): Mask =>
  maskFrom(
    Array.from({ length: width * height }, (_, i) =>
      Number(
        Math.hypot((i % width) + 0.5 - width / 2, Math.floor(i / width) + 0.5 - height / 2) <
          radius * Math.min(width, height),
      ),
    ),
    width,
    height,
  );

const grey = plain(40, 30, [160, 160, 160]);
const red = plain(16, 16, [200, 30, 30]);

const pixel = ({ width, data }: Picture, x: number, y: number) =>
  [...data.subarray((Math.round(y) * width + Math.round(x)) * 3)].slice(0, 3);
const brightness = (colour: readonly number[]) => colour.reduce((sum, value) => sum + value, 0) / 3;
const hex = (colour: readonly number[]) => `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

test("an overlay darkens what was not chosen and marks the click", async () => {
  const drawn = await readPicture(
    await maskOverlay({ picture: grey, mask: disc(40, 30, 0.3), click: { x: 0.5, y: 0.5 } }),
  );
  expect([drawn.width, drawn.height]).toEqual([640, 480]);
  expect(brightness(pixel(drawn, 10, 10))).toBeLessThan(100);
  expect(brightness(pixel(drawn, 250, 240))).toBeGreaterThan(125);
  expect(hex(pixel(drawn, 320, 240))).toBe(theme.accent);
});

test("large pictures are made smaller, long ones keep their shape", async () => {
  const wide = await readPicture(await maskOverlay({ picture: plain(3000, 100, [0, 0, 0]), mask: disc(30, 10, 0.3) }));
  expect([wide.width, wide.height]).toEqual([1024, 34]);
});

test("an outline encloses the mask's area and keeps its holes; a single pixel does not vanish", async () => {
  // Shoelace formula; holes run the other way round.
  const area = (outline: Awaited<ReturnType<typeof outlineMask>>) =>
    Math.abs(
      outline
        .flatMap((ring) => ring.map(([x, y], i) => [[x, y] as const, ring[(i + 1) % ring.length] ?? [0, 0]] as const))
        .reduce((sum, [[x, y], [nextX, nextY]]) => sum + (x * nextY - nextX * y) / 2, 0),
    );
  const round = disc(40, 30, 0.4);
  const ring = { ...round, data: round.data.map((inside, i) => inside & ~(disc(40, 30, 0.2).data[i] ?? 0)) };
  for (const mask of [round, ring]) {
    expect(area(await outlineMask(mask, 400, 300)) / (maskArea(mask) * 100)).toBeCloseTo(1, 1);
  }
  expect(await outlineMask(ring, 400, 300)).toHaveLength(2);
  const dot = maskFrom([0, 0, 0, 0, 1, 0, 0, 0, 0], 3, 3);
  expect((await outlineMask(dot, 300, 300)).length).toBe(1);
  expect(await outlineMask(maskFrom([0, 0, 0, 0], 2, 2), 100, 100)).toEqual([]);
});

test("candidates carry their colours and numbers, four at most", async () => {
  const masks = [disc(40, 30, 0.45), disc(40, 30, 0.35), disc(40, 30, 0.2), disc(40, 30, 0.1)];
  const { data } = await readPicture(
    await candidates({ picture: grey, masks, selected: 1, click: { x: 0.5, y: 0.5 } }),
  );
  const colours = new Set(Array.from({ length: data.length / 3 }, (_, i) => hex([...data.subarray(i * 3, i * 3 + 3)])));
  for (const mark of theme.marks) expect(colours).toContain(mark);
  await expect(candidates({ picture: grey, masks: [...masks, ...masks] })).rejects.toThrow("at most 4");
  // An empty mask and one that fills the picture have outlines too: none, and the border.
  const odd = [maskFrom(new Uint8Array(1200), 40, 30), maskFrom(new Uint8Array(1200).fill(1), 40, 30)];
  expect((await readPicture(await candidates({ picture: grey, masks: odd }))).width).toBe(640);
});

test("the cells of the grid are named as on a map, tile the picture and nest", () => {
  expect([0, 4, 5, 24].map(cellName)).toEqual(["A1", "E1", "A2", "E5"]);
  fc.assert(
    fc.property(fc.array(fc.nat(24), { maxLength: 2 }), (zoom) => {
      const outer = zoomBox(zoom);
      const inner = Array.from({ length: 25 }, (_, cell) => zoomBox([...zoom, cell]));
      expect(inner.reduce((sum, box) => sum + box.width * box.height, 0)).toBeCloseTo(outer.width * outer.height, 9);
      expect(inner[0]?.x).toBeCloseTo(outer.x, 9);
      expect((inner[24]?.y ?? 0) + (inner[24]?.height ?? 0)).toBeCloseTo(outer.y + outer.height, 9);
    }),
  );
});

test("zooming shows the chosen cell, even of a picture smaller than the grid", async () => {
  const picture = plain(10, 10, [0, 0, 0]);
  picture.data.set([255, 255, 255], (2 * 10 + 4) * 3);
  expect([...partOf(picture, zoomBox([7])).data.subarray(0, 6)]).toEqual([255, 255, 255, 0, 0, 0]);
  expect(partOf(plain(1, 1, [9, 9, 9]), zoomBox([24, 24]))).toEqual(plain(1, 1, [9, 9, 9]));
  const drawn = await readPicture(await pickGrid({ picture, zoom: [7] }));
  expect(brightness(pixel(drawn, 100, 100))).toBeGreaterThan(240);
  expect(brightness(pixel(drawn, 580, 580))).toBeLessThan(15);
});

test("grids place their pictures in rows, captions and heading around them", async () => {
  const tiles = [red, grey, red, red, grey].map((picture) => ({ picture, caption: "a caption" }));
  const drawn = await readPicture(await grid({ tiles, columns: 3, side: 100, title: "<cat>", caption: "seed 1" }));
  expect(drawn.width).toBe(2 * theme.margin + 3 * 100 + 2 * theme.gap);
  const bare = await readPicture(await strip({ tiles: tiles.map(({ picture }) => ({ picture })), side: 100 }));
  expect(bare.height).toBe(2 * theme.margin + 100);
  expect(pixel(bare, theme.margin + 50, theme.margin + 50)).toEqual([200, 30, 30]);
  expect(hex(pixel(bare, 5, 5))).toBe(theme.paper);
  // The wide one stands in the middle of its frame.
  expect(hex(pixel(bare, theme.margin + 116 + 50, theme.margin + 6))).toBe(theme.frame);
  await expect(grid({ tiles: [] })).rejects.toThrow("no tiles");
});

test("a learn strip can be drawn before there are previews or scenes, and with captions of any kind", async () => {
  const mask = disc(40, 30, 0.4);
  const early = await readPicture(await learnStrip({ title: "x", picture: grey, mask, previews: [], scenes: [] }));
  const full = await readPicture(
    await learnStrip({
      title: "t".repeat(500),
      caption: "‮اسم ﷽\u0000 🐈",
      picture: grey,
      mask,
      click: { x: 1, y: 0 },
      sourceCaption: "word ".repeat(300),
      previews: [0, 25, 50, 75, 100].map((step) => ({ step, picture: red })),
      scenes: [{ picture: red, caption: "<x> in space" }, { picture: grey }],
    }),
  );
  expect(full.width).toBeGreaterThan(early.width + 1000);
});

test("loss charts take any curve", async () => {
  const size = { width: 960 };
  const constant = [0, 1, 2].map((step) => ({ step, loss: 0.5, bank: 0.5 }));
  const long = Array.from({ length: 1501 }, (_, step) => ({ step, loss: Math.sin(step) }));
  for (const points of [[], [{ step: 0, loss: 0 }], constant, [{ step: 3, loss: Number.NaN }], long]) {
    expect(await readPicture(await lossChart({ title: "x", points }))).toMatchObject(size);
  }
});

test("drawings are the same on a machine without any font", async () => {
  const hash = (png: Uint8Array) => createHash("sha256").update(png).digest("hex");
  const program = `
    import { createHash } from "node:crypto";
    import { strip } from "./functions/drawing/grid.ts";
    const picture = { width: 2, height: 2, data: new Uint8Array(12) };
    const png = await strip({ tiles: [{ picture, caption: "größe 5 猫" }], title: "<cat>" });
    process.stdout.write(createHash("sha256").update(png).digest("hex"));`;
  const bare = execFileSync(process.execPath, ["--input-type=module-typescript", "--eval", program], {
    cwd: new URL("../..", import.meta.url),
    env: { FONTCONFIG_FILE: "/nonexistent", HOME: "/nonexistent" },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const picture = { width: 2, height: 2, data: new Uint8Array(12) };
  expect(bare).toBe(hash(await strip({ tiles: [{ picture, caption: "größe 5 猫" }], title: "<cat>" })));
});

import { expect, test } from "vitest";
import { boundingBox, maskFrom, overlap } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { createGrabCut } from "../../functions/vision/grab-cut.ts";
import { onePiece } from "../../functions/vision/one-piece.ts";
import { createRefine } from "../../functions/vision/refine-mask.ts";
import type { Segment, Segmenter } from "../../functions/vision/vision.ts";
import { readPhotographs } from "../photos/photographs.ts";

const side = 120;
const centre = { x: 0.5, y: 0.5 };
const within = (radius: number) => (x: number, y: number) =>
  Math.hypot((x + 0.5) / side - centre.x, (y + 0.5) / side - centre.y) < radius;
const maskOf = (isIn: (x: number, y: number) => boolean, width = side, height = side) =>
  maskFrom(
    Array.from({ length: width * height }, (_, i) => Number(isIn(i % width, Math.floor(i / width)))),
    width,
    height,
  );

/** An orange disc before shaded blue, a little noisy. */
const disc: Picture = {
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, at) => {
    const [i, channel] = [Math.floor(at / 3), at % 3];
    const [x, y] = [i % side, Math.floor(i / side)];
    const noise = (i * 7919 + channel * 104_729) % 17;
    const colour = within(0.3)(x, y) ? [220, 130, 40] : [40, 60 + y / 2, 150];
    return (colour[channel] as number) + noise;
  }),
};
const truth = maskOf(within(0.3));

/** Finds a disc of its own, too small, whatever is clicked. */
const poor: Segmenter = {
  encode:
    async ({ width, height }) =>
    async () => [
      {
        level: "object",
        score: 0.4,
        mask: maskOf((x, y) => Math.hypot(x / width - 0.45, y / height - 0.5) < 0.2, width, height),
      },
    ],
};
const segmentOf = async (picture: Picture): Promise<Segment> =>
  (await (await poor.encode(picture))(centre))[0] as Segment;

test("a poor mask is cut along the thing's outline, a good one stays as it is", async () => {
  const refine = createRefine({ shown: poor, seeds: poor }, createGrabCut(), 0.8);
  const segment = await segmentOf(disc);
  expect(overlap(segment.mask, truth)).toBeLessThan(0.5);
  const better = await refine(disc, segment, { click: centre, photograph: false });
  expect(overlap(better.mask, truth)).toBeGreaterThan(0.95);
  expect(better).toMatchObject({ level: "object", score: 0.4 });
  const good = { ...segment, score: 0.9 };
  expect(await refine(disc, good, { click: centre, photograph: false })).toBe(good);
  const part = { ...segment, level: "part" as const };
  expect(await refine(disc, part, { click: centre, photograph: true })).toBe(part);
}, 60_000);

test("of a drawing, a group that is the whole picture is not taken: nothing is left that it could differ from", async () => {
  const flat: Picture = { width: side, height: side, data: new Uint8Array(side * side * 3).fill(200) };
  const seeing: Segmenter = {
    encode: async ({ width, height }) => {
      const whole = maskOf(() => true, width, height);
      return async () => [{ level: "group", score: 0.9, mask: whole }];
    },
  };
  const refine = createRefine({ shown: seeing, seeds: seeing }, async () => undefined, 0.8);
  const segment: Segment = { level: "object", score: 0.4, mask: truth };
  expect((await refine(flat, segment, { click: centre, photograph: false })).mask).toBe(truth);
});

test("of a drawing, the group is taken where the mask is a part of it, and not where it holds another thing", async () => {
  const at = (x: number) => maskOf((u, v) => Math.hypot(u + 0.5 - x, v + 0.5 - 60) < 24);
  const [orange, green] = [at(46), at(94)];
  const half = maskOf((u, v) => u < 46 && orange.data[v * side + u] === 1);
  const colours = Array.from({ length: side * side }, (_, i) =>
    orange.data[i] ? [220, 130, 40] : green.data[i] ? [50, 160, 60] : [40, 70, 150],
  );
  const picture: Picture = { width: side, height: side, data: Uint8Array.from(colours.flat()) };
  const both = maskFrom(
    orange.data.map((isIn, i) => isIn | (green.data[i] as number)),
    side,
    side,
  );
  const click = { x: 40 / side, y: 0.5 };
  const noCut = async () => undefined;
  for (const [object, group, better] of [
    [half, orange, true],
    [orange, both, false],
  ] as const) {
    const segmenter: Segmenter = {
      encode: async () => async () => [
        { level: "object", score: 0.6, mask: object },
        { level: "group", score: 0.6, mask: group },
      ],
    };
    const segment: Segment = { level: "object", score: 0.6, mask: object };
    const refine = createRefine({ shown: segmenter, seeds: segmenter }, noCut, 0.7);
    const { mask } = await refine(picture, segment, { click, photograph: false });
    expect(mask === (better ? group : object)).toBe(true);
  }
});

/** Finds discs by their colour where they are at least a fifth as wide as what is shown; as a group, with the ground from so far down. */
const shortSighted = (horizon: number): Segmenter => ({
  encode:
    async ({ width, height, data }) =>
    async ({ x, y }, wanted = ["object", "group"]) => {
      const orange = maskFrom(
        Array.from({ length: width * height }, (_, i) => Number((data[i * 3] as number) > 150)),
        width,
        height,
      );
      const clicked = onePiece(orange, { x: x * width, y: y * height });
      const { width: across = 0 } = boundingBox(clicked) ?? {};
      const seen =
        across >= width / 5 ? clicked : maskOf((u, v) => Math.hypot(u - x * width, v - y * height) < 19, width, height);
      const ground = maskOf((_, v) => v > height * horizon, width, height);
      const group = maskFrom(
        seen.data.map((isIn, i) => isIn | (ground.data[i] as number)),
        width,
        height,
      );
      return wanted.map((level) => ({ level, score: 0.6, mask: level === "object" ? seen : group }));
    },
});

test("in a photograph, small things are looked at from close by, and one with its ground is cut by its own mask", async () => {
  const scene = (x: number, radius: number): Picture => ({
    ...disc,
    data: disc.data.map((_, at) => {
      const [i, channel] = [Math.floor(at / 3), at % 3];
      const isIn = Math.hypot((i % side) + 0.5 - x, Math.floor(i / side) + 0.5 - 60) < radius;
      return (isIn ? [220, 130, 40] : [40, 60 + i / side / 2, 150])[channel] as number;
    }),
  });
  const grabCut = createGrabCut();
  for (const [x, radius, horizon] of [
    [66, 10, 1],
    [50, 26, 0.55],
  ] as const) {
    const [picture, click, segmenter] = [scene(x, radius), { x: x / side, y: 0.5 }, shortSighted(horizon)];
    const [segment] = await (await segmenter.encode(picture))(click);
    const refine = createRefine({ shown: segmenter, seeds: segmenter }, grabCut, 0.5);
    const { mask: found } = await refine(picture, segment as Segment, { click, photograph: true });
    const discMask = maskOf((u, v) => Math.hypot(u + 0.5 - x, v + 0.5 - 60) < radius);
    expect(overlap(found, discMask), `radius ${radius}`).toBeGreaterThan(0.85);
  }
}, 60_000);

test("a photograph is looked at once, and a small thing in it twice more from closer by", async () => {
  for (const [radius, looks] of [
    [0.35, [side]],
    [0.1, [side, side * 0.85, side * 0.7]],
  ] as const) {
    const mask = maskOf(within(radius));
    const seen: number[] = [];
    const watched: Segmenter = {
      encode: async ({ width }) => {
        seen.push(width);
        return async () => [{ level: "object", score: 0.6, mask }];
      },
    };
    const refine = createRefine({ shown: watched, seeds: watched }, async () => undefined, 0.5);
    await refine(disc, { level: "object", score: 0.6, mask }, { click: centre, photograph: true });
    expect(seen).toEqual(looks);
  }
});

test("clicked where the segmenter is unsure, the thing is found by another click in it; where it is sure, or no other is surer, by that click", async () => {
  // A nose in the middle of a face: shown alone when it is clicked, as the whole face from anywhere else in it.
  const face = within(0.3);
  const nose = within(0.06);
  const segmenterOf = (noseScore: number, faceScore: number): Segmenter => ({
    encode:
      async ({ width, height }) =>
      async ({ x, y }) => {
        const onNose = Math.hypot(x - centre.x, y - centre.y) < 0.06;
        const seen = (isIn: typeof face) =>
          maskOf((u, v) => isIn((u * side) / width, (v * side) / height), width, height);
        return [{ level: "object", score: onNose ? noseScore : faceScore, mask: seen(onNose ? nose : face) }];
      },
  });
  for (const [noseScore, faceScore, found] of [
    [0.3, 0.8, true],
    [0.6, 0.9, false],
    [0.4, 0.5, false],
  ] as const) {
    const segmenter = segmenterOf(noseScore, faceScore);
    const refine = createRefine({ shown: segmenter, seeds: segmenter }, createGrabCut(), 0.8);
    const clicked: Segment = { level: "object", score: noseScore, mask: maskOf(nose) };
    const { mask } = await refine(disc, clicked, { click: centre, photograph: true });
    expect(overlap(mask, truth) > 0.7, `${noseScore} beside ${faceScore}`).toBe(found);
  }
});

test("where the cut fails, is late, or leaks over everything, the learned mask stays", async () => {
  const segment = await segmentOf(disc);
  const about = { click: centre, photograph: true };
  const leaks = async (small: Picture) => new Uint8Array(small.width * small.height).fill(1);
  for (const cut of [async () => undefined, createGrabCut({ timeoutMs: 1 }), leaks]) {
    expect(await createRefine({ shown: poor, seeds: poor }, cut, 0.8)(disc, segment, about)).toBe(segment);
  }
});

test("cuts share one worker and come out the same whatever was cut before; one that OpenCV refuses leaves the rest alone", async () => {
  const [flower] = (await readPhotographs()).filter(({ file }) => file === "dahlia.jpg");
  if (!flower) throw new Error("no dahlia");
  const { width, height } = flower.mask;
  const trimap = flower.mask.data.map((isIn) => (isIn ? 3 : 0));
  const cut = createGrabCut();
  const together = await Promise.all([cut(flower.picture, trimap), cut(flower.picture, trimap)]);
  for (const labels of together) {
    expect(
      overlap(
        maskFrom(
          (labels as Uint8Array).map((label) => label & 1),
          width,
          height,
        ),
        flower.mask,
      ),
    ).toBeGreaterThan(0.9);
  }
  expect(
    await cut({ width: 2, height: 2, data: new Uint8Array(12) }, new Uint8Array(4)),
    "nothing to cut",
  ).toBeUndefined();
  expect(await cut(flower.picture, trimap)).toEqual(together[0]);
  expect(together[1]).toEqual(together[0]);
}, 60_000);

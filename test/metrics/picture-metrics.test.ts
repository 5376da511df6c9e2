import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { type Judge, judgeMetrics, openPictureMetrics } from "../../functions/metrics/picture-metrics.ts";
import { type Picture, toTensor } from "../../functions/tensor/pixels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { testEngine } from "../support/evaluate.ts";

const engine = testEngine();
const cache = mkdtempSync(join(tmpdir(), "eponym-metrics-"));
afterAll(() => rmSync(cache, { recursive: true }));
mkdirSync(join(cache, "metrics"));
const hub = { endpoint: "http://127.0.0.1:9", cache };
const golden = (file: string): string => fileURLToPath(new URL(`../golden/metrics/${file}`, import.meta.url));
const keep = (file: string): void => copyFileSync(golden(file), join(cache, "metrics", file));

/** Stripes of a period, lighter by `light`. */
const picture = (side: number, period: number, light = 0): Picture => ({
  width: side,
  height: side,
  data: Uint8Array.from(
    { length: side * side * 3 },
    (_, i) => light + ((Math.floor(i / 3 / side) * period + i * 7) % 180),
  ),
});

test("only metrics whose weights are in the cache are reported, each under its own name", () => {
  expect(openPictureMetrics(engine, hub)).toEqual([]);
  keep("lpips-alex.safetensors");
  expect(openPictureMetrics(engine, hub).map(({ name }) => name)).toEqual(["LPIPS v0.1 (AlexNet)"]);
  keep("lpips-vgg.safetensors");
  keep("inception-v3.safetensors");
  expect(openPictureMetrics(engine, hub).map(({ name }) => name)).toEqual([
    "LPIPS v0.1 (VGG16)",
    "LPIPS v0.1 (AlexNet)",
    "SIFID (192-d)",
    "SIFID (64-d)",
  ]);
});

test("every metric is 0 for equal pictures and larger for others, at two sizes", async () => {
  for (const { name, compare } of openPictureMetrics(engine, hub)) {
    for (const side of [40, 64]) {
      const [a, b] = [picture(side, 3), picture(side, 11, 60)];
      const self = await compare(a, a);
      expect(self, `${name} at ${side}`).toBeLessThan(1e-4);
      expect(await compare(a, b), `${name} at ${side}`).toBeGreaterThan(10 * self + 1e-3);
    }
  }
});

test("pictures of two sizes, or too small for a network, are refused with what to do", async () => {
  for (const { compare } of openPictureMetrics(engine, hub)) {
    await expect(compare(picture(40, 3), picture(64, 3))).rejects.toThrow(/40×40 and 64×64.*Resize/);
    await expect(compare(picture(16, 3), picture(16, 3))).rejects.toThrow(/pixels or more/);
  }
});

test("the sizes that are promised are enough for every network", async () => {
  const sides: Readonly<Record<string, number>> = { LPIPS: 32, SIFID: 24 };
  for (const { name, compare } of openPictureMetrics(engine, hub)) {
    const side = sides[name.slice(0, 5)] as number;
    expect(await compare(picture(side, 3), picture(side, 11)), name).toBeGreaterThan(0);
  }
});

test("a file of another network is refused by name of the weight", async () => {
  const other = mkdtempSync(join(tmpdir(), "eponym-metrics-"));
  mkdirSync(join(other, "metrics"));
  const path = join(other, "metrics", "lpips-vgg.safetensors");
  copyFileSync(golden("lpips-alex.safetensors"), path);
  const [metric] = openPictureMetrics(engine, { ...hub, cache: other });
  await expect(metric?.compare(picture(40, 3), picture(40, 3))).rejects.toThrow(/net\.slice1\.0\.weight.*expected/);
  writeFileSync(path, "not a safetensors file");
  expect(() => openPictureMetrics(engine, { ...hub, cache: other })).toThrow(/not a usable safetensors file/);
  rmSync(other, { recursive: true });
});

test("a judge stands in under its own name", async () => {
  const judge: Judge = {
    name: "pixels",
    features: async (one) => {
      const { data, shape } = toTensor(one);
      return { vector: data, map: tensor(data, shape) };
    },
  };
  const metrics = judgeMetrics(judge);
  expect(metrics.map(({ name }) => name)).toEqual([
    "feature distance (pixels)",
    "single-image Fréchet distance (pixels)",
  ]);
  for (const { compare } of metrics) {
    expect(await compare(picture(8, 3), picture(8, 3))).toBeLessThan(1e-6);
    expect(await compare(picture(8, 3), picture(8, 11, 60))).toBeGreaterThan(1e-3);
  }
});

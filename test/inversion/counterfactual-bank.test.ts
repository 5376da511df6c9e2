import { afterAll, expect, test } from "vitest";
import { bankLoss, makeBank } from "../../functions/inversion/bank.ts";
import { type Composite, counterfactualBank } from "../../functions/inversion/counterfactual-bank.ts";
import { denoisingLosses } from "../../functions/inversion/examples.ts";
import { encodeViews } from "../../functions/inversion/views.ts";
import { openModel } from "../../functions/models/open-model.ts";
import { testEngine, values } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine();
const model = openModel("tiny", tinySdFolder, engine);
afterAll(() => model.close());
const { side } = model;
const composite = (scene: string, step: number): Composite => ({
  scene,
  picture: {
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * step) % 256),
  },
});
const composites = [composite("{} on a beach", 37), composite("{} in the snow", 11), composite("a {} in space", 91)];
const rows = values([2, model.width], 3);

test("every scene goes with its own picture, as often as the others, at timesteps over the whole range", async () => {
  const bank = await counterfactualBank(model, composites, { size: 8, seed: 1 });
  expect(bank).toHaveLength(9);
  const [beach, snow] = composites.map(({ scene }) => bank.filter(({ template }) => template === scene));
  expect(beach).toHaveLength(3);
  for (const { latents } of beach ?? []) expect(latents).toEqual(beach?.[0]?.latents);
  expect(snow?.[0]?.latents).not.toEqual(beach?.[0]?.latents);
  const timesteps = bank.map(({ timestep }) => timestep);
  const total = model.alphasCumprod.length;
  expect(Math.min(...timesteps)).toBeLessThan(total / 9);
  expect(Math.max(...timesteps)).toBeGreaterThanOrEqual((total * 8) / 9);
});

test("its loss is the mean denoising error of the true composite under the scene's prompt", async () => {
  const bank = await counterfactualBank(model, composites, { size: 3, seed: 1 });
  const alone = await Promise.all(
    bank.map(async (example) => (await denoisingLosses(model, rows, [example], { withGradient: false })).losses[0]),
  );
  const mean = alone.reduce<number>((sum, loss) => sum + (loss as number), 0) / alone.length;
  expect((await bankLoss(model, rows, bank, 2)) / mean).toBeCloseTo(1, 5);
});

test("its loss depends on the scene that the prompt tells and on the rows", async () => {
  const swapped = composites.map(({ picture }, i) => ({ picture, scene: composites[(i + 1) % 3]?.scene as string }));
  const [right, wrong] = await Promise.all(
    [composites, swapped].map((list) => counterfactualBank(model, list, { size: 6, seed: 1 })),
  );
  const loss = await bankLoss(model, rows, right ?? [], 3);
  expect(await bankLoss(model, rows, wrong ?? [], 3)).not.toBe(loss);
  expect(await bankLoss(model, values([2, model.width], 4), right ?? [], 3)).not.toBe(loss);
  expect(await bankLoss(model, rows, await counterfactualBank(model, composites, { size: 6, seed: 1 }), 3)).toBe(loss);
});

test("it shares no noise with the bank that reports", async () => {
  const views = await encodeViews(model, composites, { flip: false, maskFloor: 1, background: 0 });
  const report = makeBank(model, views, { size: 3, seed: 1, name: "report" });
  const bank = await counterfactualBank(model, composites, { size: 3, seed: 1 });
  for (const [i, { noise }] of bank.entries()) expect(noise.data).not.toEqual(report[i]?.noise.data);
});

test("scenes without a place for the thing, and no scenes, are refused", async () => {
  await expect(counterfactualBank(model, [composite("a beach", 3)], { seed: 1 })).rejects.toThrow(/"a beach".*\{\}/);
  await expect(counterfactualBank(model, [], { seed: 1 })).rejects.toThrow(/no composite/);
});

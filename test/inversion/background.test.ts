import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { target } from "../../functions/diffusion/denoiser.ts";
import { makeBank, withClassPredictions } from "../../functions/inversion/bank.ts";
import { blendTargets } from "../../functions/inversion/blend-targets.ts";
import { denoisingLosses, type Example } from "../../functions/inversion/examples.ts";
import { encodeViews } from "../../functions/inversion/views.ts";
import { openModel } from "../../functions/models/open-model.ts";
import { maskFrom } from "../../functions/tensor/mask.ts";
import { normal } from "../../functions/tensor/noise.ts";
import { type Tensor, tensor } from "../../functions/tensor/tensor.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine();
const model = openModel("tiny", tinySdFolder, engine);
afterAll(() => model.close());
const { side } = model;
const picture = {
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 37) % 256),
};
// A slanted edge, so that some cells are covered in part.
const mask = maskFrom(
  Array.from({ length: side * side }, (_, i) => Number((i % side) + Math.floor(i / side) / 3 < side * 0.6)),
  side,
  side,
);
const masked = { flip: false, maskFloor: 0.1, background: 0.7 };

async function bankOf(options: typeof masked) {
  const views = await encodeViews(model, [{ picture, mask }], options);
  const bank = makeBank(model, views, { size: 3, seed: 2, name: "background" });
  return withClassPredictions(model, bank, "mug", { batch: 2 });
}

test("two weighted squares equal one with the blended target, plus the constant", () => {
  const numbers = (length: number, min: number) =>
    fc.array(fc.float({ min, max: 3, noNaN: true, noDefaultInfinity: true }), { minLength: length, maxLength: length });
  fc.assert(
    fc.property(
      numbers(8, -3),
      numbers(8, -3),
      numbers(8, -3),
      numbers(4, 0),
      numbers(4, 0),
      (prediction, t, q, a, b) => {
        const w = a.map((x, i) => x + (b[i] as number));
        const shape = [1, 2, 2, 2];
        const cells = (values: readonly number[]): Tensor => tensor(Float32Array.from(values), [1, 1, 2, 2]);
        const { target: blended, constant } = blendTargets(
          tensor(Float32Array.from(t), shape),
          tensor(Float32Array.from(q), shape),
          cells(w),
          cells(w.map((x, i) => (x === 0 ? 0 : (b[i] as number) / x))),
        );
        let [two, one] = [0, constant];
        for (const [i, p] of prediction.entries()) {
          two +=
            ((a[i % 4] as number) * (p - (t[i] as number)) ** 2 + (b[i % 4] as number) * (p - (q[i] as number)) ** 2) /
            8;
          one += ((w[i % 4] as number) * (p - (blended.data[i] as number)) ** 2) / 8;
        }
        expect(one).toBeCloseTo(two, 3);
      },
    ),
  );
});

test("loss and gradient are those of picture term and background term computed apart", async () => {
  const bank = await bankOf(masked);
  const rows = model.embed(model.tokenizer.encode("red mug"));
  const together = await denoisingLosses(model, rows, bank, { withGradient: true });
  // Each term as a loss of its own: its part of the weights, and cells that belong to it wholly.
  const split = (which: "picture" | "background"): Example[] =>
    bank.map((example) => {
      const { weights, backgroundShare } = example.cells;
      const share = (backgroundShare as Tensor).data;
      const part = weights.data.map(
        (w, i) => w * (which === "picture" ? 1 - (share[i] as number) : (share[i] as number)),
      );
      const own = tensor(part, weights.shape);
      const all = tensor(new Float32Array(share.length).fill(1), weights.shape);
      return which === "picture"
        ? { ...example, cells: { weights: own } }
        : { ...example, cells: { weights: own, backgroundShare: all } };
    });
  const apart = [];
  for (const which of ["picture", "background"] as const) {
    apart.push(await denoisingLosses(model, rows, split(which), { withGradient: true }));
  }
  const [forPicture, forBackground] = apart as [typeof together, typeof together];
  for (const [i, loss] of together.losses.entries()) {
    expect(loss).toBeCloseTo((forPicture.losses[i] as number) + (forBackground.losses[i] as number), 5);
  }
  const size = Math.max(...(together.gradient as Float32Array).map(Math.abs));
  for (const [i, g] of (together.gradient as Float32Array).entries()) {
    const sum = (forPicture.gradient?.[i] as number) + (forBackground.gradient?.[i] as number);
    expect(Math.abs(g - sum) / size).toBeLessThan(1e-4);
  }
});

test("the gradient with a background term is the slope of the loss: finite differences", async () => {
  const bank = await bankOf(masked);
  const rows = model.embed(model.tokenizer.encode("red mug"));
  const { gradient } = await denoisingLosses(model, rows, bank, { withGradient: true });
  const direction = normal(rows.shape, { seed: 1, stream: "direction" });
  const at = async (step: number): Promise<number> => {
    const moved = tensor(
      rows.data.map((x, i) => x + step * (direction.data[i] as number)),
      rows.shape,
    );
    const { losses } = await denoisingLosses(model, moved, bank, { withGradient: false });
    return losses.reduce((sum, l) => sum + l, 0) / losses.length;
  };
  const step = 2e-3;
  const slope = ((await at(step)) - (await at(-step))) / (2 * step);
  const expected = (gradient as Float32Array).reduce((sum, g, i) => sum + g * (direction.data[i] as number), 0);
  expect(Math.abs(slope - expected)).toBeLessThan(0.02 * Math.abs(expected) + 1e-5);
});

test("a concept that says what its class says has no background loss; another word has", async () => {
  const bank = (await bankOf({ flip: false, maskFloor: 0.1, background: 1 })).map((example) => ({
    ...example,
    cells: {
      weights: tensor(new Float32Array(example.cells.weights.data.length).fill(1), example.cells.weights.shape),
      backgroundShare: tensor(new Float32Array(example.cells.weights.data.length).fill(1), example.cells.weights.shape),
    },
  }));
  const lossOf = async (word: string): Promise<number> => {
    const rows = model.embed(model.tokenizer.encode(word));
    const { losses } = await denoisingLosses(model, rows, bank, { withGradient: false });
    return Math.max(...losses);
  };
  expect(await lossOf("mug")).toBeLessThan(1e-9);
  expect(await lossOf("cat")).toBeGreaterThan(1e-7);
});

test("the predictions kept are those of the network for the template with the class word in it", async () => {
  const [example] = await bankOf(masked);
  const { template, latents, noise, timestep, classPrediction } = example as Example;
  const rows = model.embed(model.tokenizer.encode("mug"));
  const weights = tensor(
    new Float32Array((model.latentShape[1] as number) * (model.latentShape[2] as number)).fill(1),
    [1, 1, ...model.latentShape.slice(1)],
  );
  const { losses } = await denoisingLosses(model, rows, [{ template, latents, noise, timestep, cells: { weights } }], {
    withGradient: false,
  });
  const wanted = target(model, latents, noise, [timestep]);
  const { data } = classPrediction as Tensor;
  const error = data.reduce((sum, x, i) => sum + (x - (wanted.data[i] as number)) ** 2, 0) / data.length;
  expect(error).toBeCloseTo(losses[0] as number, 5);
});

import { afterAll, expect, test } from "vitest";
import { initialise } from "../../functions/inversion/initialiser.ts";
import { type LearnInput, learn, reportLoss } from "../../functions/inversion/learn.ts";
import { type LearnOptions, paperDefaults, productDefaults } from "../../functions/inversion/learn-options.ts";
import { decodeState, encodeState, type LearnState } from "../../functions/inversion/learn-state.ts";
import { openModel } from "../../functions/models/open-model.ts";
import { maskFrom } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine();
const model = openModel("tiny", tinySdFolder, engine);
afterAll(() => model.close());

const side = model.side;
const picture: Picture = {
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 37) % 256),
};
const mask = maskFrom(
  Array.from({ length: side * side }, (_, i) => Number(i % side < side / 2)),
  side,
  side,
);
const initialiser = initialise(model, "caption", { caption: "a red mug", className: "mug" }, { keepArticle: false });

const run = async (options: LearnOptions, extra: Partial<LearnInput> = {}) => {
  const states: LearnState[] = [];
  const loop = learn({ model, picture, mask, initialiser, options, ...extra });
  for (let next = await loop.next(); ; next = await loop.next()) {
    if (next.done) return { states, result: next.value };
    states.push(next.value.state);
  }
};
const given = { steps: 12, batch: 2, seed: 3 };

test("learning lowers the loss on a bank that training never saw, and moves the concept's rows alone", async () => {
  const options = { ...productDefaults(model, { ...given, steps: 40 }), learningRate: 0.02, evaluateEvery: 10 };
  const { result } = await run(options, { mask: undefined as never });
  const before = await reportLoss({ model, picture, options }, initialiser.rows);
  const after = await reportLoss({ model, picture, options }, result.best.rows);
  expect(after).toBeLessThan(before);
  expect(result.best.rows.shape).toEqual([2, 24]);
  expect(result.curve.filter((point) => point.bank !== undefined).map((point) => point.step)).toEqual([
    0, 10, 20, 30, 40,
  ]);
});

for (const mode of ["paper", "product"] as const) {
  test(`a run stopped at any step and resumed from its checkpoint ends bit for bit the same (${mode})`, async () => {
    const options = mode === "paper" ? paperDefaults(given) : productDefaults(model, given);
    const whole = await run(options);
    const checkpoint = encodeState(whole.states.find((state) => state.step === 5) as LearnState, "run");
    const rest = await run(options, { resume: decodeState(checkpoint, "run").state });
    expect(rest.result.rows.data).toEqual(whole.result.rows.data);
    expect(rest.result.best).toEqual(whole.result.best);
    expect(rest.result.curve).toEqual(whole.result.curve);
  });
}

test("the paper's mode keeps the last step, the product's the best on its bank", async () => {
  const paper = await run(paperDefaults(given));
  expect(paper.result.best.step).toBe(12);
  expect(paper.result.best.rows).toBe(paper.result.rows);
  const product = await run({ ...productDefaults(model, given), learningRate: 0.9, evaluateEvery: 1 });
  const banks = product.result.curve.map((point) => point.bank as number);
  expect(product.result.best.loss).toBe(Math.min(...banks));
});

test("early stopping ends a run that no longer gets better", async () => {
  const options = { ...productDefaults(model, given), learningRate: 0.9, evaluateEvery: 1, patience: 2 };
  const { result } = await run({ ...options, steps: 200 });
  expect(result.step).toBeLessThan(200);
  expect(result.stale).toBe(2);
});

test("abort stops before the next step with the signal's reason", async () => {
  const controller = new AbortController();
  const loop = learn({ model, picture, initialiser, options: paperDefaults(given), signal: controller.signal });
  await loop.next();
  await loop.next();
  controller.abort(new Error("the user changed their mind"));
  await expect(loop.next()).rejects.toThrow("changed their mind");
});

test("a checkpoint of another run, truncated or of foreign bytes is refused", async () => {
  const { result } = await run({ ...paperDefaults(given), steps: 2 });
  const bytes = encodeState(result, "run");
  expect(() => decodeState(bytes, "another run")).toThrow(/another picture, model or setting/);
  expect(() => decodeState(bytes.subarray(0, bytes.length - 9), "run")).toThrow();
  expect(() => decodeState(new TextEncoder().encode("hello world, this is not it"), "run")).toThrow();
});

test("kill -9 of the engine process is one clear error, and the same model answers again", async () => {
  const loop = learn({ model, picture, initialiser, options: paperDefaults({ ...given, steps: 50 }) });
  await loop.next();
  await loop.next();
  const pending = loop.next();
  process.kill(engine.processId() as number, "SIGKILL");
  await expect(pending).rejects.toThrow(/engine process.*SIGKILL.*try again/);
  const { result } = await run({ ...paperDefaults(given), steps: 1 });
  expect(result.step).toBe(1);
});

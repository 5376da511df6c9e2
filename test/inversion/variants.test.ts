import { afterAll, expect, test } from "vitest";
import { initialise, initialiserOptions } from "../../functions/inversion/initialiser.ts";
import { learn } from "../../functions/inversion/learn.ts";
import { paperDefaults, productDefaults } from "../../functions/inversion/learn-options.ts";
import { decodeState, encodeState, type LearnState } from "../../functions/inversion/learn-state.ts";
import { optionsOf, type Variant, variants } from "../../functions/inversion/variants.ts";
import { type OpenedModel, openModel } from "../../functions/models/open-model.ts";
import { maskFrom } from "../../functions/tensor/mask.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { drain } from "../support/drain.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine();
// With a look encoder of its own, so that switching it off is a variant too.
const model: OpenedModel = {
  ...openModel("tiny", tinySdFolder, engine),
  look: async (_crop, rows) =>
    tensor(
      rows.data.map((value, i) => value + 0.01 * ((i % 3) - 1)),
      rows.shape,
    ),
};
afterAll(() => model.close());
const { side } = model;
const source = (seed: number) => ({
  picture: {
    width: side,
    height: side,
    data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * (37 + seed)) % 256),
  },
  mask: maskFrom(
    Array.from({ length: side * side }, (_, i) => Number(i % side < side / (2 + seed))),
    side,
    side,
  ),
});
const initialiserOf = ({ mode, improvements }: Variant) =>
  initialise(model, "caption", { caption: "a red mug", className: "mug" }, initialiserOptions(mode, improvements));
const given = { steps: 6, batch: 2, seed: 3 };

async function run(variant: Variant, resume?: LearnState) {
  const options = optionsOf(model, variant, given);
  const states: LearnState[] = [];
  const initialiser = initialiserOf(variant);
  const input = { model, ...source(0), morePictures: [source(1)], initialiser, className: "mug", options };
  const loop = learn({ ...input, ...(resume && { resume }) });
  for (let next = await loop.next(); ; next = await loop.next()) {
    if (next.done) return { states, result: next.value };
    states.push(next.value.state);
  }
}

const results = new Map<string, string>();
const kept = new Map<string, string>();

test.each(variants.map((variant) => [variant.name, variant] as const))(
  "%s: two pictures, resumed from a checkpoint, end bit for bit as without the stop",
  async (name, variant) => {
    const whole = await run(variant);
    const checkpoint = encodeState(whole.states.find(({ step }) => step === 3) as LearnState, "run");
    const rest = await run(variant, decodeState(checkpoint, "run").state);
    expect(rest.result).toEqual(whole.result);
    expect(whole.result.rows.data).not.toEqual(initialiserOf(variant).rows.data);
    results.set(name, `${whole.result.rows.data}`);
    kept.set(name, `${whole.result.best.rows.data}`);
  },
);

test("every variant that moves rows otherwise ends elsewhere, and those that only judge end at the same rows", () => {
  const rowsOf = (name: string): string => results.get(name) as string;
  for (const name of ["averaging", "keep best", "early stopping"])
    expect(rowsOf(`paper + ${name}`)).toBe(rowsOf("paper"));
  const moving = variants.map(({ name }) => name).filter((name) => !/averaging|keep best|early/.test(name));
  expect(new Set(moving.map(rowsOf)).size).toBe(moving.length);
  expect(kept.get("paper + averaging")).not.toBe(rowsOf("paper"));
  expect(kept.get("product + no averaging")).not.toBe(kept.get("product"));
});

test("without an improvement the options are the modes' own", () => {
  const named = (name: string): Variant => variants.find((variant) => variant.name === name) as Variant;
  expect(optionsOf(model, named("paper"), given)).toEqual(paperDefaults(given));
  expect(optionsOf(model, named("product"), given)).toEqual(productDefaults(model, given));
  expect(optionsOf(model, named("paper + direction"), { ...given, learningRate: 0.5 }).learningRate).toBe(1e-2);
  expect(optionsOf(model, named("paper + stratified"), { ...given, learningRate: 0.5 }).learningRate).toBe(0.5);
});

test("early stopping can fire within a run of any length, and both switches turn off", () => {
  for (const steps of [1, 10, 100, 5000]) {
    const { evaluateEvery, patience } = productDefaults(model, { ...given, steps });
    expect(evaluateEvery).toBeGreaterThanOrEqual(1);
    if (steps >= 40) expect(evaluateEvery * patience).toBeLessThan(0.61 * steps);
  }
  const off: Variant = { name: "off", mode: "product", improvements: { keepBest: false, earlyStopping: false } };
  expect(optionsOf(model, off, given)).toMatchObject({
    evaluateEvery: 0,
    keepBest: false,
    patience: Number.POSITIVE_INFINITY,
  });
});

test("without a class word the background term compares with the words that the rows began as", async () => {
  const product: Variant = { name: "product", mode: "product", improvements: {} };
  const options = { ...optionsOf(model, product, given), steps: 2 };
  const initialiser = initialiserOf(product);
  const learned = async (className?: string) => {
    const { returned } = await drain(
      learn({ model, ...source(0), initialiser, options, ...(className && { className }) }),
    );
    return [...returned.rows.data];
  };
  const without = await learned();
  expect(without).toEqual(await learned(initialiser.text));
  expect(without).not.toEqual(await learned("mug"));
});

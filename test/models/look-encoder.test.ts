import { afterAll, expect, test } from "vitest";
import { initialise } from "../../functions/inversion/initialiser.ts";
import { learn } from "../../functions/inversion/learn.ts";
import { defaultsOf } from "../../functions/inversion/learn-options.ts";
import { locateModel } from "../../functions/models/catalog.ts";
import { openModel } from "../../functions/models/open-model.ts";
import { cropOnWhite } from "../../functions/tensor/crop-on-white.ts";
import { maskFrom } from "../../functions/tensor/mask.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { testEngine } from "../support/evaluate.ts";

const engine = testEngine();
const located = await locateModel(undefined, { endpoint: "http://127.0.0.1:9" });
const model = openModel(located.id, located.folder, engine, located.lookEncoder);
afterAll(() => model.close());
const look = model.look as NonNullable<typeof model.look>;

const side = 64;
const disc = maskFrom(
  Array.from({ length: side * side }, (_, i) => Number(Math.hypot((i % side) - 32, Math.floor(i / side) - 32) < 20)),
  side,
  side,
);
const painted = (rgb: readonly number[]): Picture => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (disc.data[Math.floor(i / 3)] ? (rgb[i % 3] ?? 0) : 90)),
});
const [red, blue] = [painted([220, 40, 40]), painted([40, 90, 220])];
const of = (picture: Picture) => cropOnWhite(picture, disc);
const rowsOf = (text: string) => model.embed(model.tokenizer.encode(text));
const distance = (a: Float32Array, b: Float32Array): number => Math.hypot(...a.map((value, i) => value - (b[i] ?? 0)));

test("rows move by what is in the picture, by no more than 2.2 times their own length", async () => {
  const rows = rowsOf("red ball * *");
  const [asRed, again, asBlue] = [await look(of(red), rows), await look(of(red), rows), await look(of(blue), rows)];
  expect(asRed.shape).toEqual(rows.shape);
  expect(again.data).toEqual(asRed.data);
  for (let i = 0; i < 4; i++) {
    const [from, to, other] = [rows, asRed, asBlue].map(({ data }) => data.subarray(i * 128, (i + 1) * 128));
    const length = Math.hypot(...(from as Float32Array));
    const moved = distance(from as Float32Array, to as Float32Array);
    expect(moved).toBeGreaterThan(0.1 * length);
    expect(moved).toBeLessThan(2.25 * length);
    expect(distance(to as Float32Array, other as Float32Array)).toBeGreaterThan(0.05 * length);
  }
});

test("of more rows than it knows of the others stay as they are", async () => {
  const rows = rowsOf("red ball * * * * * *");
  const moved = await look(of(red), rows);
  expect(moved.shape).toEqual([8, 128]);
  expect(moved.data.subarray(6 * 128)).toEqual(rows.data.subarray(6 * 128));
  expect(distance(moved.data.subarray(5 * 128, 6 * 128), rows.data.subarray(5 * 128, 6 * 128))).toBeGreaterThan(0.01);
});

test("from there the product goes at half the pace, unless it is told otherwise", () => {
  const rateOf = (wanted: { look?: boolean }, learningRate?: number) =>
    defaultsOf(model, "product", { steps: 100, batch: 4, seed: 0, learningRate }, wanted).learningRate;
  expect(rateOf({}) / rateOf({ look: false })).toBeCloseTo(0.5);
  expect(rateOf({ look: true })).toBe(rateOf({}));
  expect(rateOf({}, 0.01)).toBe(0.01);
});

test("the product begins where the look is; paper mode, no look and no mask begin at the words", async () => {
  const initialiser = initialise(
    model,
    "caption",
    { caption: "a red ball", className: "ball" },
    { keepArticle: false },
  );
  const begins = async (mode: "product" | "paper", wanted: { look?: boolean } = {}, mask?: typeof disc) => {
    const options = defaultsOf(
      model,
      mode,
      { steps: 0, batch: 1, seed: 1 },
      { ...wanted, keepBest: false, background: 0 },
    );
    const first = await learn({ model, picture: red, ...(mask && { mask }), initialiser, options }).next();
    if (first.done) throw new Error("learning said nothing of its beginning");
    return first.value.state.rows.data;
  };
  const seen = (await look(of(red), initialiser.rows)).data;
  expect(await begins("product", {}, disc)).toEqual(seen);
  expect(await begins("paper", { look: true }, disc)).toEqual(seen);
  for (const words of [begins("paper", {}, disc), begins("product", { look: false }, disc), begins("product")])
    expect(await words).toEqual(initialiser.rows.data);
});

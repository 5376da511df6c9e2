import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bootstrapInterval } from "../../functions/metrics/bootstrap-interval.ts";
import { cosine, diversity, featureDistance } from "../../functions/metrics/feature-distance.ts";
import { frechetDistance, positionGaussian, vectorGaussian } from "../../functions/metrics/frechet-distance.ts";
import { rowDrift } from "../../functions/metrics/row-drift.ts";
import { normal } from "../../functions/tensor/noise.ts";
import { tensor } from "../../functions/tensor/tensor.ts";

const sample = (count: number, width: number, seed: number, scale = 1, shift = 0): Float32Array[] =>
  Array.from({ length: count }, (_, i) =>
    normal([width], { seed, stream: ["sample", i] }).data.map((x, j) => x * scale * (1 + j / 4) + shift),
  );

describe("the Fréchet distance", () => {
  test("of one-dimensional Gaussians is (m₁ − m₂)² + (s₁ − s₂)²", () => {
    const deviation = Math.SQRT2;
    const [a, b] = [
      [[1], [3]],
      [[10], [16]],
    ] as const;
    expect(frechetDistance(vectorGaussian(a), vectorGaussian(b))).toBeCloseTo(11 ** 2 + (2 * deviation) ** 2, 10);
  });

  test("is symmetric, never negative, and 0 of a set and itself, also where samples are fewer than features", () => {
    const numbers = fc.record({
      seed: fc.nat(1000),
      count: fc.integer({ min: 2, max: 12 }),
      width: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(numbers, ({ seed, count, width }) => {
        const a = vectorGaussian(sample(count, width, seed));
        const b = vectorGaussian(sample(count + 3, width, seed + 1, 2, 0.5));
        const distance = frechetDistance(a, b);
        expect(distance).toBeGreaterThanOrEqual(0);
        expect(frechetDistance(b, a)).toBeCloseTo(distance, 5);
        expect(frechetDistance(a, a)).toBeLessThan(1e-5);
      }),
    );
  });

  test("takes every position of a feature map as a sample", () => {
    const map = tensor(Float32Array.from([1, 2, 3, 10, 20, 60]), [1, 2, 1, 3]);
    const { mean, covariance } = positionGaussian(map);
    expect(mean).toEqual([2, 30]);
    expect(covariance.to2DArray()).toEqual([
      [1, 25],
      [25, 700],
    ]);
  });

  test("refuses a single sample and features of two lengths", () => {
    expect(() => vectorGaussian([[1, 2]])).toThrow(/needs two samples or more, got 1/);
    expect(() => frechetDistance(vectorGaussian([[1], [2]]), vectorGaussian(sample(3, 2, 1)))).toThrow(/1 and 2/);
  });
});

describe("the bootstrap interval", () => {
  test("holds the mean of one repeated value exactly, and the same draw every time", () => {
    expect(bootstrapInterval([2, 2, 2])).toEqual({ mean: 2, low: 2, high: 2 });
    const values = [...normal([12], { seed: 3, stream: "values" }).data];
    expect(bootstrapInterval(values)).toEqual(bootstrapInterval(values));
  });

  test("of normal values is near the textbook's ± 1.96 s/√n", () => {
    const values = [...normal([200], { seed: 4, stream: "values" }).data];
    const { mean, low, high } = bootstrapInterval(values, { resamples: 2000 });
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
    const half = (1.96 * deviation) / Math.sqrt(values.length);
    expect(Math.abs(low - (mean - half))).toBeLessThan(half / 10);
    expect(Math.abs(high - (mean + half))).toBeLessThan(half / 10);
  });

  test("is wider where more confidence is asked, and refuses no values", () => {
    const values = [1, 2, 4, 8, 16];
    const [wide, narrow] = [0.99, 0.8].map((confidence) => bootstrapInterval(values, { confidence, resamples: 1000 }));
    expect((wide?.high ?? 0) - (wide?.low ?? 0)).toBeGreaterThan((narrow?.high ?? 0) - (narrow?.low ?? 0));
    expect(() => bootstrapInterval([])).toThrow(/no value/);
  });
});

test("feature distance is 0 along a direction, 1 across it, 2 against it", () => {
  expect(featureDistance([1, 2], [2, 4])).toBeCloseTo(0, 12);
  expect(featureDistance([1, 0], [0, 5])).toBe(1);
  expect(featureDistance([1, 0], [-3, 0])).toBe(2);
  expect(cosine([0, 0], [1, 0])).toBe(0);
  expect(() => cosine([1], [1, 2])).toThrow(/1 and 2/);
});

test("diversity is the mean distance of all pairs", () => {
  expect(
    diversity([
      [1, 0],
      [0, 1],
      [-1, 0],
    ]),
  ).toBeCloseTo((1 + 2 + 1) / 3, 12);
  expect(diversity([[1, 0]])).toBe(0);
});

test("row drift gives each row's norm, its start's, and the cosine between them", () => {
  const rows = tensor(Float32Array.from([3, 4, 0, 2]), [2, 2]);
  const initial = tensor(Float32Array.from([6, 8, 1, 0]), [2, 2]);
  expect(rowDrift(rows, initial)).toEqual([
    { norm: 5, initialNorm: 10, cosine: 1 },
    { norm: 2, initialNorm: 1, cosine: 0 },
  ]);
  expect(() => rowDrift(rows, tensor(new Float32Array(2), [1, 2]))).toThrow(/\[2,2\].*\[1,2\]/);
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { integers, type NoiseSource, normal, uniform } from "../../functions/tensor/noise.ts";
import { philox } from "../../functions/tensor/philox.ts";

const golden = JSON.parse(readFileSync(new URL("../golden/noise.json", import.meta.url), "utf8"));

const streamParts = fc.oneof(fc.string(), fc.integer());
const sources: fc.Arbitrary<NoiseSource> = fc.record({
  seed: fc.maxSafeNat(),
  stream: fc.oneof(streamParts, fc.array(streamParts)),
});
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;

test("Philox gives the published known answers", () => {
  // The three vectors published with the generator (Salmon et al. 2011).
  expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  const ones = 0xffffffff;
  expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
  const pi = philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]);
  expect(pi).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
});

test("Philox and every draw equal an independent implementation bit for bit", () => {
  for (const { counter, key, words } of golden.philox) expect(philox(counter, key)).toEqual(words);
  for (const { seed, stream, normalBits, uniform: fractions, integers: whole } of golden.draws) {
    const values = normal([normalBits.length], { seed, stream });
    expect([...new Uint32Array(values.data.buffer)]).toEqual(normalBits);
    expect([...uniform(9, { seed, stream })]).toEqual(fractions);
    expect(integers(9, 1000, { seed, stream })).toEqual(whole);
  }
});

test("a longer draw starts with the shorter one, whatever its shape", () => {
  fc.assert(
    fc.property(sources, fc.nat(40), fc.nat(40), (source, short, more) => {
      const long = normal([short + more], source).data;
      expect(normal([1, short], source).data).toEqual(long.slice(0, short));
      expect(uniform(short, source)).toEqual(uniform(short + more, source).slice(0, short));
      expect(integers(short, 77, source)).toEqual(integers(short + more, 77, source).slice(0, short));
    }),
  );
});

test("another seed, stream or kind of draw shares no value", () => {
  const base = { seed: 1, stream: ["a", 1] };
  const streams: NoiseSource[] = [
    base,
    { seed: 2, stream: ["a", 1] },
    { seed: 1, stream: ["a", "1"] },
    { seed: 1, stream: ["a1"] },
    { seed: 1, stream: ["a", 1, ""] },
    { seed: 1, stream: [] },
  ];
  const seen = new Set(streams.flatMap((source) => [...uniform(200, source)]));
  expect(seen.size).toBe(200 * streams.length);
  expect(integers(20, 2 ** 32, base)).not.toEqual([...uniform(20, base)].map((u) => Math.floor(u * 2 ** 32)));
});

test("normal noise has the moments of a standard normal, and streams do not correlate", () => {
  const count = 40_000;
  const a = normal([count], { seed: 3, stream: "moments" }).data;
  const b = normal([count], { seed: 3, stream: "other" }).data;
  // Five standard errors each.
  expect(Math.abs(mean(a))).toBeLessThan(5 / Math.sqrt(count));
  expect(Math.abs(mean(a.map((x) => x * x)) - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  expect(Math.abs(mean(a.map((x) => x ** 3)))).toBeLessThan(5 * Math.sqrt(15 / count));
  expect(Math.abs(mean(a.map((x) => x ** 4)) - 3)).toBeLessThan(5 * Math.sqrt(96 / count));
  expect(Math.abs(mean(a.map((x, i) => x * (b[i] ?? 0))))).toBeLessThan(5 / Math.sqrt(count));
  expect(Math.abs(mean(a.slice(1).map((x, i) => x * (a[i] ?? 0))))).toBeLessThan(5 / Math.sqrt(count));
});

test("integers are evenly spread below their bound", () => {
  const counts = new Array<number>(10).fill(0);
  for (const value of integers(20_000, 10, { seed: 1, stream: "dice" })) counts[value] = (counts[value] ?? 0) + 1;
  expect(Math.min(...counts)).toBeGreaterThan(1_790);
  expect(Math.max(...counts)).toBeLessThan(2_210);
});

test("seeds, streams and bounds that could be misread are refused", () => {
  expect(() => normal([1], { seed: -1, stream: "x" })).toThrow("seed");
  expect(() => normal([1], { seed: 0.5, stream: "x" })).toThrow("seed");
  expect(() => uniform(1, { seed: 2 ** 53, stream: "x" })).toThrow("seed");
  expect(() => uniform(1, { seed: 1, stream: ["x", Number.NaN] })).toThrow("stream");
  expect(() => integers(1, 0, { seed: 1, stream: "x" })).toThrow("below");
});

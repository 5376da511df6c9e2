import fc from "fast-check";
import { expect, test } from "vitest";
import { beginning, short } from "../../shared/short.ts";

const texts = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary" }));

test("whatever is cut stays within its limit and well-formed, and is the beginning of the text", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, max) => {
      const cut = short(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut.isWellFormed()).toBe(true);
      expect(text === cut || (cut.endsWith("…") && text.startsWith(cut.slice(0, -1)))).toBe(true);
      expect(beginning(text, max).isWellFormed()).toBe(true);
    }),
  );
});

test("a character that people see as one is kept whole or left out", () => {
  expect(short("a 👩‍🌾 farmer", 5)).toBe("a …");
  expect(short("cafe\u0301s", 5)).toBe("caf…");
  expect(beginning("🇩🇪🇫🇷🇮🇹", 9)).toBe("🇩🇪🇫🇷");
});

test("what fits is not touched; one character that is longer than the limit is cut between code points", () => {
  expect(short("a pot", 5)).toBe("a pot");
  expect(beginning(`z${"\u0301".repeat(9)}`, 4)).toBe("z\u0301\u0301\u0301");
  expect(beginning("👩‍🌾", 4)).toBe("👩‍");
});

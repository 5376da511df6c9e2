import fc from "fast-check";
import { expect, test } from "vitest";
import { drawText, fitText, measureText, wrapText } from "../../functions/drawing/text.ts";

const style = { size: 20, weight: 400, colour: "#000000" } as const;
const anything = fc.string({ unit: "grapheme", maxLength: 60 });

test("text becomes outlines alone: nothing of the text itself reaches the SVG", () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(drawText(text, 3, 4, style)).toMatch(/^(<path d="[MLQCZhv\d\s.,e-]*" fill="#000000" \/>)?$/);
    }),
  );
  expect(drawText('"/><script>', 0, 0, style)).not.toContain("script");
});

test("Latin, Cyrillic, Greek and Vietnamese have their letters, what is missing draws a box of its own width", () => {
  const box = measureText("猫", style);
  expect(drawText("猫", 0, 0, style)).toBe(drawText("犬", 0, 0, style));
  for (const letter of ["ß", "Ž", "ж", "Ω", "ấ", "…", "·", "“"]) {
    expect(drawText(letter, 0, 0, style), letter).not.toBe(drawText("猫", 0, 0, style));
  }
  expect(measureText("猫猫", style)).toBeCloseTo(2 * box, 6);
  // A family of three joined by invisible characters is one letter.
  expect(measureText("👨‍👩‍👧", style)).toBeCloseTo(box, 6);
});

test("kerning brings letters together, weight and size widen them", () => {
  expect(measureText("AV", style)).toBeLessThan(measureText("A", style) + measureText("V", style));
  expect(measureText("word", { size: 20, weight: 600 })).toBeGreaterThan(measureText("word", style));
  expect(measureText("word", { size: 40, weight: 400 })).toBeCloseTo(2 * measureText("word", style), 6);
});

test("fitted text fits, and is untouched when it did", () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 30, max: 300 }), (text, width) => {
      const fitted = fitText(text, style, width);
      expect(measureText(fitted, style)).toBeLessThanOrEqual(width);
      expect(fitted === text || fitted.endsWith("…")).toBe(true);
      expect(fitted === text).toBe(measureText(text, style) <= width);
    }),
  );
});

test("wrapped text keeps its words in order within its lines", () => {
  fc.assert(
    fc.property(anything, fc.integer({ min: 1, max: 3 }), (text, maxLines) => {
      const lines = wrapText(text, style, 120, maxLines);
      expect(lines.length).toBeLessThanOrEqual(maxLines);
      for (const line of lines) expect(measureText(line, style)).toBeLessThanOrEqual(120);
    }),
  );
  expect(wrapText("one two  three", style, 80, 3)).toEqual(["one two", "three"]);
  expect(wrapText("", style, 75, 3)).toEqual([]);
});

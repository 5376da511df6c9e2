import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create, type Font, type FontCollection } from "fontkit";

export interface TextStyle {
  /** Pixels of one em. */
  readonly size: number;
  readonly weight: 400 | 600;
  readonly colour: string;
  /** Colour of a rim that keeps the text readable over lines. */
  readonly halo?: string;
}

export type Anchor = "start" | "middle" | "end";

/** Files of the Inter typeface, the likeliest first; a character is drawn from the first that has it. */
const alphabets = ["latin", "latin-ext", "cyrillic", "greek", "vietnamese", "cyrillic-ext", "greek-ext"] as const;
const resolve = createRequire(import.meta.url).resolve;
const opened = new Map<string, Font>();

/** Text is drawn as outlines of a bundled typeface, so that it looks the same on machines that have no fonts at all. */
function openFont(alphabet: string, weight: number): Font {
  const name = `inter-${alphabet}-${weight}-normal.woff2`;
  const known = opened.get(name);
  if (known) return known;
  const font: Font | FontCollection = create(readFileSync(resolve(`@fontsource/inter/files/${name}`)));
  if (!("layout" in font)) throw new Error(`${name} is not a single font`);
  opened.set(name, font);
  return font;
}

/** The font of one character; the first one, which draws a box, when none has it. */
function fontOf(character: string, weight: number): Font {
  const point = character.codePointAt(0) ?? 0;
  const alphabet = alphabets.find((name) => openFont(name, weight).hasGlyphForCodePoint(point));
  return openFont(alphabet ?? alphabets[0], weight);
}

/** Runs of characters that one font draws; control characters and line breaks become spaces. */
function runsOf(text: string, weight: number): { readonly font: Font; readonly text: string }[] {
  const runs: { font: Font; text: string }[] = [];
  for (const character of text.normalize("NFC").replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")) {
    // Joiners and variation selectors steer emoji that this typeface lacks anyway.
    if (/\p{Cf}|\p{Variation_Selector}/u.test(character)) continue;
    const last = runs.at(-1);
    const isMark = /\p{M}/u.test(character);
    const font = (isMark || character === " ") && last ? last.font : fontOf(character, weight);
    if (last?.font === font) last.text += character;
    else runs.push({ font, text: character });
  }
  return runs;
}

/** Width in pixels. */
export function measureText(text: string, { size, weight }: Pick<TextStyle, "size" | "weight">): number {
  const widths = runsOf(text, weight).map(
    (run) => (run.font.layout(run.text).advanceWidth * size) / run.font.unitsPerEm,
  );
  return widths.reduce((sum, width) => sum + width, 0);
}

/** One line as an SVG path; y is the baseline. */
export function drawText(text: string, x: number, y: number, style: TextStyle, anchor: Anchor = "start"): string {
  const shift = { start: 0, middle: 0.5, end: 1 }[anchor];
  let pen = x - (shift && shift * measureText(text, style));
  let outline = "";
  for (const run of runsOf(text, style.weight)) {
    const scale = style.size / run.font.unitsPerEm;
    const { glyphs, positions } = run.font.layout(run.text);
    glyphs.forEach((glyph, i) => {
      const { xAdvance = 0, xOffset = 0, yOffset = 0 } = positions[i] ?? {};
      outline += glyph.path
        .scale(scale, -scale)
        .translate(pen + xOffset * scale, y - yOffset * scale)
        .toSVG();
      pen += xAdvance * scale;
    });
  }
  const rim = style.halo
    ? ` stroke="${style.halo}" stroke-width="${style.size / 3}" stroke-linejoin="round" paint-order="stroke"`
    : "";
  return outline && `<path d="${outline}" fill="${style.colour}"${rim}/>`;
}

/** The text, its end replaced by … where it is wider than `maxWidth`. */
export function fitText(text: string, style: TextStyle, maxWidth: number): string {
  if (measureText(text, style) <= maxWidth) return text;
  const characters = [...text];
  // Longest prefix that fits, by halving.
  let [fits, tooLong] = [0, characters.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    const shortened = `${characters.slice(0, middle).join("").trimEnd()}…`;
    if (measureText(shortened, style) <= maxWidth) fits = middle;
    else tooLong = middle;
  }
  return `${characters.slice(0, fits).join("").trimEnd()}…`;
}

/** The text in at most `maxLines` lines, broken between words; what is left over ends in …. */
export function wrapText(text: string, style: TextStyle, maxWidth: number, maxLines: number): string[] {
  const lines: string[] = [];
  let words = text.split(/\s+/).filter(Boolean);
  while (words.length > 0 && lines.length < maxLines - 1) {
    let count = 1;
    while (count < words.length && measureText(words.slice(0, count + 1).join(" "), style) <= maxWidth) count++;
    lines.push(fitText(words.slice(0, count).join(" "), style, maxWidth));
    words = words.slice(count);
  }
  return words.length > 0 ? [...lines, fitText(words.join(" "), style, maxWidth)] : lines;
}

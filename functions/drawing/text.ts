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

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const split = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);

/** Letters in a row that one font draws; without a font, one letter that none has. */
interface Run {
  readonly font: Font | undefined;
  readonly text: string;
}

/** Control characters and line breaks become spaces; joiners and variation selectors, which draw nothing, go. */
function runsOf(text: string, weight: number): Run[] {
  const runs: Run[] = [];
  for (const grapheme of split(text.normalize("NFC").replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " "))) {
    const visible = grapheme.replace(/\p{Cf}|\p{Variation_Selector}/gu, "");
    if (visible === "") continue;
    const last = runs.at(-1);
    const font = fontOf(visible, weight);
    if (font && last?.font === font) runs[runs.length - 1] = { font, text: last.text + visible };
    else runs.push({ font, text: visible });
  }
  return runs;
}

/** The first font that has all of a letter, marks included. */
function fontOf(grapheme: string, weight: number): Font | undefined {
  const points = Array.from(grapheme, (character) => character.codePointAt(0) ?? 0);
  const has = (name: string) => points.every((point) => openFont(name, weight).hasGlyphForCodePoint(point));
  const alphabet = alphabets.find(has);
  return alphabet && openFont(alphabet, weight);
}

/** An empty box stands for a letter that no font has; lengths in ems. */
const box = { advance: 0.72, left: 0.1, width: 0.52, height: 0.7, line: 0.06 };

function boxPath(x: number, y: number, size: number): string {
  const rectangle = (inset: number, turn: "clockwise" | "back") => {
    const [left, top] = [x + (box.left + inset) * size, y - (box.height - inset) * size];
    const [width, height] = [(box.width - 2 * inset) * size, (box.height - 2 * inset) * size];
    return turn === "clockwise"
      ? `M${left} ${top}h${width}v${height}h${-width}Z`
      : `M${left} ${top}v${height}h${width}v${-height}Z`;
  };
  return rectangle(0, "clockwise") + rectangle(box.line, "back");
}

const advanceOf = ({ font, text }: Run, size: number): number =>
  font ? (font.layout(text).advanceWidth * size) / font.unitsPerEm : box.advance * size;

/** Width in pixels. */
export const measureText = (text: string, { size, weight }: Pick<TextStyle, "size" | "weight">): number =>
  runsOf(text, weight).reduce((sum, run) => sum + advanceOf(run, size), 0);

/** One line as an SVG path; y is the baseline. */
export function drawText(text: string, x: number, y: number, style: TextStyle, anchor: Anchor = "start"): string {
  const shift = { start: 0, middle: 0.5, end: 1 }[anchor];
  let pen = x - shift * measureText(text, style);
  let outline = "";
  for (const run of runsOf(text, style.weight)) {
    outline += run.font ? runPath(run.font, run.text, pen, y, style.size) : boxPath(pen, y, style.size);
    pen += advanceOf(run, style.size);
  }
  const rim = `stroke="${style.halo}" stroke-width="${style.size / 3}" stroke-linejoin="round" paint-order="stroke"`;
  return outline && `<path d="${outline}" fill="${style.colour}" ${style.halo ? rim : ""}/>`;
}

function runPath(font: Font, text: string, x: number, y: number, size: number): string {
  const scale = size / font.unitsPerEm;
  const { glyphs, positions } = font.layout(text);
  let pen = x;
  return glyphs
    .map((glyph, i) => {
      const { xAdvance = 0, xOffset = 0, yOffset = 0 } = positions[i] ?? {};
      const path = glyph.path.scale(scale, -scale).translate(pen + xOffset * scale, y - yOffset * scale);
      pen += xAdvance * scale;
      return path.toSVG();
    })
    .join("");
}

/** The text, its end replaced by … where it is wider than `maxWidth`. */
export function fitText(text: string, style: TextStyle, maxWidth: number): string {
  if (measureText(text, style) <= maxWidth) return text;
  const letters = split(text);
  // Longest prefix that fits, by halving.
  let [fits, tooLong] = [0, letters.length];
  while (tooLong - fits > 1) {
    const middle = (fits + tooLong) >> 1;
    const shortened = `${letters.slice(0, middle).join("").trimEnd()}…`;
    if (measureText(shortened, style) <= maxWidth) fits = middle;
    else tooLong = middle;
  }
  return `${letters.slice(0, fits).join("").trimEnd()}…`;
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

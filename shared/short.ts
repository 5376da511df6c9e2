const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** As much of the beginning of `text` as at most `max` UTF-16 units hold, in whole characters as people see them; of one that is
 * longer by itself, whole code points. */
export function beginning(text: string, max: number): string {
  if (text.length <= max) return text;
  const whole = graphemes.segment(text).containing(max)?.index ?? 0;
  // A high surrogate at the end has lost its partner.
  return whole > 0 ? text.slice(0, whole) : text.slice(0, max).replace(/[\uD800-\uDBFF]$/, "");
}

/** At most `max` UTF-16 units (1 at least), an ellipsis in place of the rest. */
export const short = (text: string, max: number): string =>
  text.length <= max ? text : `${beginning(text, max - 1)}…`;

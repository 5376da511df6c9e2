import { type APIComponentInContainer, ComponentType } from "discord.js";
import { beginning } from "../shared/short.ts";

/** Discord counts the text of all the parts of a message together. */
const maxCharacters = 4_000;

/** The parts with texts that fit into one message. Only the longest texts lose lines, or, of a single line, words; titles, buttons
 * and short texts stay. */
export function withinTextLimit(parts: readonly APIComponentInContainer[]): APIComponentInContainer[] {
  const max = shareOf(parts.flatMap(textsOf).map((text) => text.length));
  return parts.map((part) => {
    if (part.type === ComponentType.TextDisplay) return { ...part, content: shortened(part.content, max) };
    if (part.type !== ComponentType.Section) return part;
    const components = part.components.map((text) => ({ ...text, content: shortened(text.content, max) }));
    return { ...part, components };
  });
}

function textsOf(part: APIComponentInContainer): string[] {
  if (part.type === ComponentType.TextDisplay) return [part.content];
  return part.type === ComponentType.Section ? part.components.map(({ content }) => content) : [];
}

/** The most characters that each text may have so that all fit: what short texts leave belongs to the long ones. */
function shareOf(lengths: readonly number[]): number {
  let left = maxCharacters;
  for (const [index, length] of lengths.toSorted((a, b) => a - b).entries()) {
    const share = Math.floor(left / (lengths.length - index));
    if (length > share) return share;
    left -= length;
  }
  return maxCharacters;
}

/** As many whole lines as fit and how many more there are; the beginning of the text where not one line fits under its title. */
function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const lines = text.split("\n");
  const least = text.startsWith("#") ? 2 : 1;
  for (let count = lines.length - 1; count >= least; count--) {
    const kept = [...lines.slice(0, count), `-# and ${lines.length - count} more`].join("\n");
    if (kept.length <= max) return kept;
  }
  const end = text.lastIndexOf(" ", max - 2);
  return `${beginning(text, end > max / 2 ? end : max - 2)} …`;
}

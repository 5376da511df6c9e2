import { ButtonStyle } from "discord.js";
import type { ConceptSummary, routes } from "../shared/api.ts";
import { button, type Card, rowPart, textPart } from "./card.ts";
import type { Reply } from "./function-client.ts";
import { noteCard } from "./replies.ts";

/** As many of one's own words as the gateway lists at once: where there are more, the card says "at least". */
export const maxCounted = 100;

/** What `/concepts forget-me` asks. It asks people without words too: deleted ones are not in their list, but still stored.
 * @param own the person's concepts, at most `maxCounted` */
export function askForgetCard(own: readonly ConceptSummary[]): Card {
  const count = `${own.length < maxCounted ? "" : "at least "}${own.length} ${own.length === 1 ? "word" : "words"}`;
  return {
    parts: [
      textPart(
        [
          "### Erase everything you taught me?",
          `You have **${own.length === 0 ? "no words" : count}**. All of them go at once with their pictures, and so do words that you deleted and could still have back.`,
          "Servers where you shared a word lose it, and so do blends that others made of it.",
          "**This cannot be undone.** Only `/concepts delete` has an *Undo*.",
          "-# Not erased: what is in Discord's messages already. Photos that you sent, unfinished drafts and what I drew for you are not touched: as always, they go by themselves seven to eight days after they last changed. A word that I am still learning would come afterwards: cancel it first.",
        ].join("\n"),
      ),
      rowPart(eraseButton("Erase everything"), button("Cancel", "concept.keep", [])),
    ],
  };
}

/** What became of it. Where something is left, the button for it stays. */
export function forgottenCard({ removed, failed }: Reply<typeof routes.forgetMe>): Card {
  if (failed === 0) {
    return noteCard(
      removed === 0
        ? "There was nothing to erase."
        : `Erased. I removed ${stored(removed)} and have no words of yours any more.`,
    );
  }
  return {
    parts: [
      textPart(
        `⚠️ Not everything is gone: I removed ${stored(removed)}, ${failed} could not be removed. Press again in a minute to erase the rest. If that does not help, tell whoever runs me.`,
      ),
      rowPart(eraseButton("Erase the rest")),
    ],
  };
}

const stored = (count: number): string => `${count} stored ${count === 1 ? "file" : "files"}`;

const eraseButton = (label: string) => button(label, "concept.forget", [], { style: ButtonStyle.Danger, emoji: "🗑️" });

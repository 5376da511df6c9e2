import { ButtonStyle } from "discord.js";
import type { ExplainOutput, NearWord } from "../shared/job.ts";
import { short } from "../shared/short.ts";
import { button, conceptWord, galleryPart, quoted, rowPart, textPart } from "./card.ts";
import { badNotice, endedBadly, progressLines } from "./job-lines.ts";
import type { JobCards } from "./progress.ts";

/** Rows in words; a longer caption's others are in the picture. */
const maxLines = 12;

export const explainCards: JobCards = {
  async progress(view, delivery) {
    return {
      parts: [
        textPart(["### Looking at what I think it is…", ...progressLines(view)].join("\n")),
        rowPart(button("Cancel", "job.cancel", [delivery.id], { style: ButtonStyle.Danger })),
      ],
    };
  },
  async ended(view, _delivery, load) {
    const output = view.ended?.output;
    if (output?.task !== "explain") return endedBadly(view);
    const pictures = await Promise.all(output.pictures.map(load));
    return {
      pictures,
      parts: [textPart(linesOf(output).join("\n")), galleryPart(pictures), textPart(`-# ${legend}`)],
    };
  },
  notice: (userId, succeeded) =>
    succeeded
      ? `<@${userId}>, I have looked at your word, but cannot show it here. Press *Info* again.`
      : badNotice(userId, "looking at your word", "press *Info*"),
};

const legend =
  "Each token's nearest words, with how near they are (1 is the same), and where it looks: bright is most.";

function linesOf({ concept, rows, notes }: ExplainOutput): string[] {
  const lines = rows.slice(0, maxLines).map(({ token, before, after }, index) => {
    const began = token === undefined ? "" : `**${quoted(token, 40)}** `;
    const then = before.length === 0 ? "" : `\n-# before: ${list(before.slice(1, 4))}`;
    return `${index + 1}. ${began}→ ${list(after.slice(0, 3))}${then}`;
  });
  const rest = rows.length > maxLines ? [`-# and ${rows.length - maxLines} more`] : [];
  const notesLines = notes.map((note) => `-# ${quoted(note)}`);
  return [`### What I think ${conceptWord(concept.name)} is`, short(lines.join("\n"), 3000), ...rest, ...notesLines];
}

const list = (near: readonly NearWord[]): string =>
  near.map(({ word, score }) => `${quoted(word, 40)} ${score.toFixed(2)}`).join(", ");

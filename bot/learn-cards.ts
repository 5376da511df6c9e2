import { type APIComponentInContainer, ButtonStyle } from "discord.js";
import type { DraftView } from "../shared/api.ts";
import { cellName, gridCells } from "../shared/cell-name.ts";
import type { LearnInput, LearnOutput } from "../shared/job.ts";
import { button, type Card, conceptWord, galleryPart, type Picture, quoted, rowPart, textPart } from "./card.ts";
import { badNotice, endedBadly, progressLines, sparkline } from "./job-lines.ts";
import type { JobView } from "./job-view.ts";
import type { JobCards } from "./progress.ts";

/** The numbers drawn next to the outlines. */
const digits = ["1", "2", "3", "4"] as const;

/** Candidates on the picture: one tap on Learn is enough, everything else is a choice. */
export function draftCard({ draft, notes }: DraftView, picture: Picture, welcome?: Picture): Card {
  const { id, candidates, selected, name } = draft;
  const chosen = candidates[selected];
  const isGuess = chosen?.sure === false && draft.caption === undefined;
  const caption = `${isGuess ? "not sure, perhaps " : ""}${draft.caption ?? chosen?.caption ?? ""}`;
  const sights = candidates.map((candidate, index) => {
    const words = quoted(index === selected ? caption : candidate.caption, 120);
    return index === selected ? `**${digits[index]} · ${words}**` : `-# ${digits[index]} · ${words}`;
  });
  const choices = candidates.map((_, index) =>
    button(digits[index] ?? "", "learn.pick", [id, index], {
      style: index === selected ? ButtonStyle.Primary : ButtonStyle.Secondary,
    }),
  );
  return {
    pictures: welcome ? [picture, welcome] : [picture],
    parts: [
      ...(welcome ? [textPart(quoted(draft.welcome?.text ?? "", 500)), galleryPart([welcome])] : []),
      textPart(`### What should I learn?\n${sights.join("\n")}`),
      galleryPart([picture]),
      ...(isGuess ? wordRows(id, chosen.words, draft.initialiser === "caption") : []),
      ...(notes.length > 0 ? [textPart(notes.map((note) => `-# ${quoted(note, 1000)}`).join("\n"))] : []),
      textPart(`It will be called ${conceptWord(name)}. Nobody else sees this, or the word, until you share it.`),
      rowPart(
        button(`Learn “${name}”`, "learn.go", [id], { style: ButtonStyle.Success, emoji: "✨" }),
        button("Edit words", "learn.words", [id], { emoji: "✏️" }),
        button("Point instead", "learn.point", [id], { emoji: "👆" }),
      ),
      ...(choices.length > 1 ? [rowPart(...choices)] : []),
    ],
  };
}

/** Six words instead of one that would be told with more confidence than there is. */
function wordRows(
  id: string,
  words: DraftView["draft"]["candidates"][number]["words"],
  guessCounts: boolean,
): APIComponentInContainer[] {
  const buttons = words.map(({ word }, index) => button(word, "learn.word", [id, index]));
  if (buttons.length === 0) return [];
  const rows = [buttons.slice(0, 3), buttons.slice(3)].filter((row) => row.length > 0).map((row) => rowPart(...row));
  const otherwise = guessCounts ? "" : " Without any I learn from the picture alone.";
  return [textPart(`**What is it?** A tap sets the words; *Edit words* takes any others.${otherwise}`), ...rows];
}

/** The 5×5 grid on the picture, or on the cell that was zoomed into. */
export function gridCard({ draft }: DraftView, picture: Picture): Card {
  const isInner = draft.zoom.length === 1;
  const cells = isInner ? `${draft.zoom[0]}.` : "";
  const rows: APIComponentInContainer[] = [];
  for (let row = 0; row < gridCells; row++) {
    const numbers = Array.from({ length: gridCells }, (_, column) => gridCells * row + column);
    rows.push(rowPart(...numbers.map((cell) => button(cellName(cell), "learn.cell", [draft.id, `${cells}${cell}`]))));
  }
  return {
    pictures: [picture],
    parts: [
      textPart(isInner ? "### Closer: which square is on it?" : "### Which square is on it?"),
      galleryPart([picture]),
      ...rows,
      rowPart(button("Back", "learn.back", [draft.id], { emoji: "↩️" })),
    ],
  };
}

export const learnCards: JobCards = {
  async progress(view, delivery, load) {
    const pictures = await Promise.all(view.previews.slice(-5).map(load));
    return {
      pictures,
      parts: [
        textPart(["### Learning…", ...progressLines(view), ...curve(view)].join("\n")),
        ...(pictures.length > 0 ? [galleryPart(pictures)] : []),
        rowPart(button("Cancel", "job.cancel", [delivery.id], { style: ButtonStyle.Danger })),
      ],
    };
  },
  async ended(view, delivery, load) {
    const output = view.ended?.output;
    if (output?.task !== "learn") return endedBadly(view);
    const input = view.ended?.input as LearnInput;
    return learnedCard(output, input, delivery.address.serverId !== undefined, await learnedPictures(output, load));
  },
  notice: (userId, succeeded) =>
    succeeded
      ? `<@${userId}>, your new word is ready: see \`/concepts list\`.`
      : badNotice(userId, "your new word", "run `/learn`"),
};

/** The strip that nobody had to ask for; the previews where a service draws none. */
async function learnedPictures(output: LearnOutput, load: Parameters<JobCards["ended"]>[2]): Promise<Picture[]> {
  const strip = output.pictures.filter(({ kind }) => kind === "strip");
  const shown = strip.length > 0 ? strip : output.pictures.filter(({ kind }) => kind === "preview").slice(-1);
  return Promise.all(shown.slice(0, 4).map(load));
}

const startsFromWords = ({ caption, initialiser }: LearnInput): boolean =>
  caption !== undefined && (initialiser ?? "caption") === "caption";

function learnedCard(output: LearnOutput, input: LearnInput, inServer: boolean, pictures: readonly Picture[]): Card {
  const { concept, notes } = output;
  const word = conceptWord(concept.name);
  const others = inServer ? "until you share it." : "until `/concepts list` in a server shares it there.";
  const trial = `\`/imagine prompt:<${concept.name}> in space\``;
  const lines = [
    `### I know ${word} now`,
    ...(startsFromWords(input) ? [`-# from “${quoted(input.caption ?? "", 200)}”, in ${concept.steps} steps`] : []),
    ...notes.map((note) => `-# ${quoted(note)}`),
  ];
  return {
    pictures,
    parts: [
      textPart(lines.join("\n")),
      ...(pictures.length > 0 ? [galleryPart(pictures)] : []),
      textPart(`Try ${trial}. Only you can use it ${others}`),
      rowPart(
        ...(inServer
          ? [
              button("Share with the server", "concept.share", [concept.id], {
                style: ButtonStyle.Primary,
                emoji: "📣",
              }),
            ]
          : []),
        button("Info", "concept.info", [concept.id], { emoji: "🔎" }),
        button("Delete", "concept.ask", [concept.id], { emoji: "🗑️" }),
      ),
    ],
  };
}

function curve(view: JobView): string[] {
  return view.losses.length < 2 ? [] : [`-# loss ${sparkline(view.losses, 24)}`];
}

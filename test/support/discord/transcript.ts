import type { Member } from "./member.ts";
import type { SeenMessage } from "./seen-message.ts";

/** One thing on somebody's screen, as it was at that moment. */
export type Entry =
  | { readonly kind: "chapter"; readonly title: string; readonly text: string }
  | { readonly kind: "typing"; readonly who: string; readonly typed: string; readonly choices: readonly string[] }
  | {
      readonly kind: "message";
      /** Whose screen: decides what an ephemeral message says. */
      readonly viewer: string;
      readonly message: SeenMessage;
      /** What it answers: "ada used /learn". */
      readonly cause: string;
      /** Files of the command, shown with it. */
      readonly attached?: { readonly name: string; readonly bytes: Uint8Array; readonly contentType: string };
      readonly sinceMs: number;
    }
  | { readonly kind: "press"; readonly who: string; readonly button: string };

/** A figure worth telling: what it is, and its value in words. */
export interface Figure {
  readonly name: string;
  readonly value: string;
}

export interface Transcript {
  readonly entries: readonly Entry[];
  readonly figures: readonly Figure[];
  chapter(title: string, text: string): void;
  typing(member: Member, typed: string, choices: readonly { name: string }[]): void;
  /** The message as the member sees it now. */
  message(
    viewer: Member,
    message: SeenMessage,
    cause: string,
    attached?: Extract<Entry, { kind: "message" }>["attached"],
  ): void;
  press(member: Member, button: string): void;
  figure(name: string, value: string): void;
}

/** @param report hears of every entry at once, in a few words */
export function createTranscript(report: (line: string) => void): Transcript {
  const beganMs = performance.now();
  const entries: Entry[] = [];
  const figures: Figure[] = [];
  const add = (entry: Entry, words: string) => {
    entries.push(entry);
    report(`${((performance.now() - beganMs) / 1000).toFixed(1).padStart(7)} s  ${words}`);
  };
  return {
    entries,
    figures,
    chapter: (title, text) => add({ kind: "chapter", title, text }, title),
    typing: ({ name: who }, typed, choices) =>
      add({ kind: "typing", who, typed, choices: choices.map(({ name }) => name) }, `${who} types ${typed}`),
    message(viewer, message, cause, attached) {
      const sinceMs = performance.now() - beganMs;
      const entry = {
        kind: "message" as const,
        viewer: viewer.name,
        message,
        cause,
        sinceMs,
        ...(attached && { attached }),
      };
      add(entry, `${viewer.name} sees: ${message.text.split("\n")[0]}`);
    },
    press: ({ name: who }, button) => add({ kind: "press", who, button }, `${who} presses ${button}`),
    figure: (name, value) => void figures.push({ name, value }),
  };
}

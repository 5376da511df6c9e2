import { asWritten, type Card } from "./card.ts";
import type { JobView } from "./job-view.ts";
import { noteCard } from "./replies.ts";

/** Bar, count and time left of a running job; its place while it waits. */
export function progressLines({ position, step, total, etaMs, stage }: JobView): string[] {
  if (position > 0)
    return [`⏳ ${position === 1 ? "Next in the queue" : `Number ${position} in the queue`}${left(etaMs)}`];
  if (total === 0) return [stage === "" ? "⏳ Getting ready" : `⏳ ${stage}`];
  const filled = Math.round((12 * step) / total);
  return [`\`${"█".repeat(filled)}${"░".repeat(12 - filled)}\` ${step} of ${total}${left(etaMs)}`];
}

function left(etaMs: number | undefined): string {
  if (etaMs === undefined) return "";
  const seconds = Math.max(1, Math.round(etaMs / 1000));
  return seconds < 90 ? ` · about ${seconds} s left` : ` · about ${Math.round(seconds / 60)} min left`;
}

/** A curve as one line of text: the mean of each of at most `width` parts, lowest to highest in eight steps. */
export function sparkline(values: readonly number[], width: number): string {
  const columns = Math.min(width, values.length);
  const means = Array.from({ length: columns }, (_, index) => {
    const part = values.slice(
      Math.floor((index * values.length) / columns),
      Math.floor(((index + 1) * values.length) / columns),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...means);
  const range = Math.max(...means) - low || 1;
  return means.map((mean) => "▁▂▃▄▅▆▇█"[Math.round((7 * (mean - low)) / range)]).join("");
}

/** The notice of a job that brought nothing. Why is for its person alone.
 * @param again what they do to try again */
export function badNotice(userId: string, what: string, again: string): string {
  return `<@${userId}>, ${what} did not work out. Allow direct messages from this server, so that I can tell you why, and ${again} again.`;
}

/** The last card of a job that brought nothing. */
export function endedBadly({ ended }: JobView): Card {
  if (ended?.status === "canceled") return noteCard("Canceled. Nothing was kept.");
  return noteCard(`⚠️ ${asWritten(ended?.error ?? "This did not work out, and no reason was given. Try again.")}`);
}

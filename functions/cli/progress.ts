import { Presets, SingleBar } from "cli-progress";
import type { TaskEvent } from "../../shared/job.ts";
import { hint } from "./outputs.ts";

const stages: Readonly<Record<string, string>> = {
  describe: "looking",
  learn: "learning",
  draw: "drawing",
  explain: "looking",
};

/** A live bar per stage on a terminal, a line now and then elsewhere; everything goes to stderr, so that stdout is the
 * result alone. */
export function createProgress(quiet: boolean) {
  let bar: SingleBar | undefined;
  let stage = "";
  const finish = (): void => {
    bar?.stop();
    bar = undefined;
    stage = "";
  };
  const show = (event: TaskEvent): void => {
    if (quiet) return;
    if (event.type === "log") hint(`  ${event.text}`);
    if (event.type !== "progress" || event.total === 0) return;
    const note = noteOf(event);
    if (!process.stderr.isTTY) {
      if (event.step % 10 === 0 || event.step === event.total) {
        process.stderr.write(`${stages[event.stage] ?? event.stage} ${event.step}/${event.total}${note}\n`);
      }
      return;
    }
    if (event.stage !== stage) {
      finish();
      stage = event.stage;
      bar = new SingleBar(
        {
          format: `${(stages[stage] ?? stage).padEnd(9)}{bar} {value}/{total}{note}`,
          hideCursor: true,
          stream: process.stderr,
        },
        Presets.shades_classic,
      );
      bar.start(event.total, event.step, { note });
    }
    bar?.update(event.step, { note });
  };
  return { show, finish };
}

function noteOf(event: Extract<TaskEvent, { type: "progress" }>): string {
  const loss = event.loss ? ` · loss ${event.loss.loss.toFixed(4)}` : "";
  const best = event.loss?.bank === undefined ? "" : ` · bank ${event.loss.bank.toFixed(4)}`;
  const left = event.etaMs === undefined ? "" : ` · ${Math.ceil(event.etaMs / 1000)} s left`;
  return `${loss}${best}${left}`;
}

/** Shows how far the work is; its bar ends with it, however that ends: one that goes on keeps the process alive. */
export async function withProgress<T>(
  quiet: boolean,
  work: (show: (event: TaskEvent) => void) => Promise<T>,
): Promise<T> {
  const { show, finish } = createProgress(quiet);
  try {
    return await work(show);
  } finally {
    finish();
  }
}

import type { TaskEvent } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import type { JobProgress } from "./job-record.ts";

const maxLogLines = 100;
const maxLineCharacters = 300;
const maxPreviews = 32;
const maxMetrics = 50;

/** `progress` with one more event of the task in it. `output` changes nothing here: it belongs to the state. */
export function addEvent(progress: JobProgress, event: TaskEvent): JobProgress {
  switch (event.type) {
    case "output":
      return progress;
    case "metric":
      if (!(event.name in progress.metrics) && Object.keys(progress.metrics).length >= maxMetrics) return progress;
      return { ...progress, metrics: { ...progress.metrics, [event.name]: event.value } };
    case "log":
      return { ...progress, log: addLine(progress.log, event.text) };
    case "progress":
      return addStep(progress, event);
  }
}

/** At most `maxBytes` as JSON: the curve is thinned evenly, its ends kept, then the oldest log lines go. */
export function fitProgress(progress: JobProgress, maxBytes: number = limits.maxProgressBytes): JobProgress {
  let fitted = progress;
  while (sizeOf(fitted) > maxBytes && fitted.curve.points.length > 2) {
    const last = fitted.curve.points.length - 1;
    const points = fitted.curve.points.filter((_, i) => i % 2 === 0 || i === last);
    fitted = { ...fitted, curve: { ...fitted.curve, points } };
  }
  while (sizeOf(fitted) > maxBytes && fitted.log.lines.length > 0) {
    const gone = Math.ceil(fitted.log.lines.length / 2);
    fitted = { ...fitted, log: { dropped: fitted.log.dropped + gone, lines: fitted.log.lines.slice(gone) } };
  }
  return fitted;
}

function addLine(log: JobProgress["log"], text: string): JobProgress["log"] {
  const lines = [...log.lines, text.slice(0, maxLineCharacters)];
  const excess = Math.max(0, lines.length - maxLogLines);
  return { dropped: log.dropped + excess, lines: lines.slice(excess) };
}

function addStep(progress: JobProgress, event: Extract<TaskEvent, { type: "progress" }>): JobProgress {
  const { stage, step, total, loss, preview } = event;
  const place = { stage, step, total };
  return {
    ...progress,
    ...place,
    etaMs: event.etaMs ?? null,
    // An attempt that resumes repeats the steps since its checkpoint: a repeated step replaces what it repeats.
    curve:
      loss === undefined
        ? progress.curve
        : { place, points: [...progress.curve.points.filter((point) => point.step < loss.step), loss] },
    previews:
      preview === undefined
        ? progress.previews
        : [
            ...progress.previews.filter((old) => old.stage !== stage || old.step !== step),
            { ...place, picture: preview },
          ].slice(-maxPreviews),
  };
}

const sizeOf = (progress: JobProgress): number => Buffer.byteLength(JSON.stringify(progress));

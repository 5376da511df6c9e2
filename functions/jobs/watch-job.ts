import type { Id } from "../../shared/concept.ts";
import { bugMessage, UserError } from "../../shared/error.ts";
import { isTerminal, type JobEvent } from "../../shared/job.ts";
import type { Bell } from "./bell.ts";
import type { Clock } from "./clock.ts";
import { type JobProgress, type JobRecord, predictionOf } from "./job-record.ts";
import type { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import type { QueuePlace } from "./queue-estimate.ts";

export interface WatchDeps {
  readonly ledger: Ledger;
  readonly queue: () => Promise<ReadonlyMap<Id, QueuePlace>>;
  readonly bell: Bell;
  readonly clock: Clock;
  readonly log: Log;
  readonly newId: () => string;
  readonly pollMs?: number;
}

/** A job's events from its beginning, whatever happened before anybody watched, then as they come, ending with exactly one
 * `completed`. A store that cannot be reached is waited for; only `signal` ends the watch without `completed`. */
export async function* watchJob(deps: WatchDeps, id: Id, signal: AbortSignal): AsyncGenerator<JobEvent> {
  const next = createListener(deps, id, signal);
  const told = nothingTold();
  let last: JobRecord | undefined;
  try {
    while (!signal.aborted) {
      try {
        last = (await deps.ledger.read(id)) ?? last;
        if (last === undefined) throw new UserError("not_found", `There is no prediction ${id}.`);
        yield* await newsOf(deps, last, told);
        if (isTerminal(last.state.status)) return;
      } catch (error) {
        if (error instanceof UserError && error.code === "not_found") throw error;
        if (!(error instanceof UserError) && last !== undefined) {
          yield brokenEnd(deps, last, error);
          return;
        }
        deps.log.warn("watch waits for the store", { job: id, error });
      }
      await next.wait();
    }
  } finally {
    next.close();
  }
}

/** What this watcher was told already. */
interface Told {
  started: boolean;
  place: string;
  curveStep: number;
  readonly previews: Set<string>;
  queuePosition: number | undefined;
  logLines: number;
  readonly metrics: Map<string, number>;
}

const nothingTold = (): Told => ({
  started: false,
  place: "//",
  curveStep: -1,
  previews: new Set(),
  queuePosition: undefined,
  logLines: 0,
  metrics: new Map(),
});

async function newsOf(deps: WatchDeps, record: JobRecord, told: Told): Promise<JobEvent[]> {
  const { state, progress } = record;
  const events: JobEvent[] = [];
  if (state.status === "starting" && !told.started) {
    const place = (await deps.queue()).get(record.request.id);
    if (place !== undefined && place.position !== told.queuePosition) {
      told.queuePosition = place.position;
      const eta = place.etaMs === null ? {} : { etaMs: place.etaMs };
      events.push({ type: "progress", stage: "queued", step: 0, total: 0, position: place.position, ...eta });
    }
    return events;
  }
  const prediction = predictionOf(record);
  if (!told.started && state.startedAt !== null) {
    events.push({ type: "start", prediction: { ...prediction, status: "processing", output: null, error: null } });
    told.started = true;
  }
  events.push(...logNews(progress, told), ...stepNews(progress, told), ...metricNews(progress, told));
  if (!isTerminal(state.status)) return events;
  if (prediction.output !== null) events.push({ type: "output", output: prediction.output });
  events.push({ type: "completed", prediction });
  return events;
}

function logNews({ log }: JobProgress, told: Told): JobEvent[] {
  const fresh = log.lines.slice(Math.max(0, told.logLines - log.dropped));
  told.logLines = log.dropped + log.lines.length;
  return fresh.map((text) => ({ type: "log", text }));
}

function metricNews({ metrics }: JobProgress, told: Told): JobEvent[] {
  const fresh = Object.entries(metrics).filter(([name, value]) => told.metrics.get(name) !== value);
  for (const [name, value] of fresh) told.metrics.set(name, value);
  return fresh.map(([name, value]) => ({ type: "metric", name, value }));
}

function stepNews({ stage, step, total, etaMs, curve, previews }: JobProgress, told: Told): JobEvent[] {
  const points = curve.points.filter((point) => point.step > told.curveStep);
  // Never back: an attempt that resumes from a checkpoint repeats steps that were told already, with the same losses.
  told.curveStep = Math.max(told.curveStep, curve.points.at(-1)?.step ?? -1);
  const lossEvents = points.map((loss) => ({
    type: "progress" as const,
    stage: curve.place?.stage ?? stage,
    step: loss.step,
    total: curve.place?.total ?? total,
    loss,
  }));
  const fresh = previews.filter(({ picture }) => !told.previews.has(picture.key));
  for (const { picture } of fresh) told.previews.add(picture.key);
  const previewEvents = fresh.map(({ picture, ...place }) => ({
    type: "progress" as const,
    ...place,
    preview: picture,
  }));
  const events: JobEvent[] = [...lossEvents, ...previewEvents].sort((a, b) => a.step - b.step);
  const place = `${stage}/${step}/${total}`;
  if (stage !== "" && place !== told.place) {
    told.place = place;
    events.push({ type: "progress", stage, step, total, ...(etaMs === null ? {} : { etaMs }) });
  }
  return events;
}

/** A record that cannot be read is a bug: the stream still ends as every stream does. */
function brokenEnd(deps: WatchDeps, last: JobRecord, error: unknown): JobEvent {
  const id = deps.newId();
  deps.log.error("watch broke off", { id, job: last.request.id, error });
  return { type: "completed", prediction: { ...predictionOf(last), status: "failed", error: bugMessage(id) } };
}

/** Waits for the bell or the next poll; a ring between two waits is not missed. */
function createListener(deps: WatchDeps, id: Id, signal: AbortSignal) {
  let wake = new AbortController();
  const off = deps.bell.onRing((rung) => {
    if (rung === id) wake.abort();
  });
  return {
    async wait() {
      await deps.clock.sleep(deps.pollMs ?? 500, AbortSignal.any([wake.signal, signal])).catch(() => undefined);
      wake = new AbortController();
    },
    close: off,
  };
}

import type { Task } from "../../shared/job.ts";

/** Usual run time of each task, ms; absent until one was seen. */
export type TypicalMs = Readonly<Partial<Record<Task, number>>>;

export interface QueuedJob {
  readonly id: string;
  readonly task: Task;
}

export interface RunningJob extends QueuedJob {
  readonly startedAt: number;
}

/** Where a job stands. */
export interface QueuePlace {
  /** 0 = running, 1 = next. */
  readonly position: number;
  /** Until it is finished, ms; null while nothing is known to base it on. */
  readonly etaMs: number | null;
}

/** Plays the queue forward: every slot takes the next job when it becomes free, each job takes what its task usually
 * takes. `coldStartMs` is what passes before the first waiting job can begin. */
export function estimateQueue(
  running: readonly RunningJob[],
  waiting: readonly QueuedJob[],
  options: {
    readonly slots: number;
    readonly typicalMs: TypicalMs;
    readonly coldStartMs: number;
    readonly now: number;
  },
): ReadonlyMap<string, QueuePlace> {
  const places = new Map<string, QueuePlace>();
  const free: (number | null)[] = [];
  for (const { id, task, startedAt } of running) {
    const usual = options.typicalMs[task];
    // A job that is over its usual time is about to end, as far as anybody can say.
    const etaMs = usual === undefined ? null : Math.max(1_000, startedAt + usual - options.now);
    places.set(id, { position: 0, etaMs });
    free.push(etaMs);
  }
  while (free.length < options.slots) free.push(options.coldStartMs);
  waiting.forEach(({ id, task }, i) => {
    free.sort(soonestFirst);
    const begin = free.shift() ?? null;
    const usual = options.typicalMs[task];
    const etaMs = begin === null || usual === undefined ? null : begin + usual;
    free.push(etaMs);
    places.set(id, { position: i + 1, etaMs });
  });
  return places;
}

/** `typicalMs` after a run of `ms`: recent runs count most, one odd run does not decide. */
export function learnTypical(typicalMs: TypicalMs, task: Task, ms: number): TypicalMs {
  const old = typicalMs[task];
  return { ...typicalMs, [task]: Math.round(old === undefined ? ms : 0.7 * old + 0.3 * ms) };
}

/** Unknown ends come last: a slot is only as good as what we know about it. */
function soonestFirst(a: number | null, b: number | null): number {
  return (a ?? Number.MAX_VALUE) - (b ?? Number.MAX_VALUE);
}

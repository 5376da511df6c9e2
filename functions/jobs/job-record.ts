import { z } from "zod";
import { Id, LossPoint } from "../../shared/concept.ts";
import { DrawnPicture, isTerminal, JobInput, JobOutput, type Prediction, PredictionStatus } from "../../shared/job.ts";

const time = z.number().int().min(0);

/** `jobs/<id>/request.json`: what was asked and by whom; written once, never changed. Times are ms since 1970. */
export const JobRequest = z.strictObject({
  id: Id,
  input: JobInput,
  /** Who may see and cancel the job, and whose turn in the queue it takes. */
  userId: Id,
  serverId: Id.nullable(),
  createdAt: time,
});
export type JobRequest = z.infer<typeof JobRequest>;

/** `jobs/<id>/state.json`: changed by compare-and-swap only. */
export const JobState = z.strictObject({
  status: PredictionStatus,
  /** Attempts begun; the running one included. */
  attempt: z.number().int().min(0),
  /** The worker that runs it, and until when nobody else may: renewed by heartbeats. Without a worker, when the last one let go
   * of it; 0 before the first. */
  owner: z.string().max(200).nullable(),
  leaseUntil: time,
  /** Handed to an engine, which is given until then to begin. */
  dispatchedUntil: time,
  /** A failed attempt is not repeated before then. */
  notBefore: time,
  cancelRequested: z.boolean(),
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  output: JobOutput.nullable(),
  /** For people: why it failed, or why the last attempt did. */
  error: z.string().max(2_000).nullable(),
});
export type JobState = z.infer<typeof JobState>;

const place = {
  stage: z.string().max(32),
  step: z.number().int().min(0),
  total: z.number().int().min(0),
};

/** `jobs/<id>/progress.json`: everything so far, overwritten by the lease holder alone; replaying a stream is reading it. */
export const JobProgress = z.strictObject({
  ...place,
  etaMs: z.number().min(0).nullable(),
  /** `place` is where the latest point stands. */
  curve: z.strictObject({ place: z.strictObject(place).nullable(), points: z.array(LossPoint) }),
  previews: z.array(z.strictObject({ ...place, picture: DrawnPicture })),
  /** The newest lines; `dropped` older ones came before them. */
  log: z.strictObject({ dropped: z.number().int().min(0), lines: z.array(z.string()) }),
  metrics: z.record(z.string(), z.number()),
});
export type JobProgress = z.infer<typeof JobProgress>;

/** The folder of a job's own results, readable by whoever may see the job. */
export const jobFilesFolder = (id: string): string => `jobs/${id}/files`;

export const jobKeys = {
  request: (id: string) => `jobs/${id}/request.json`,
  state: (id: string) => `jobs/${id}/state.json`,
  progress: (id: string) => `jobs/${id}/progress.json`,
  checkpoint: (id: string) => `jobs/${id}/checkpoint.bin`,
  /** Unfinished jobs, so that nothing ever lists all of `jobs/`. */
  open: (id: string) => `open/${id}`,
};

export const newState: JobState = {
  status: "starting",
  attempt: 0,
  owner: null,
  leaseUntil: 0,
  dispatchedUntil: 0,
  notBefore: 0,
  cancelRequested: false,
  startedAt: null,
  endedAt: null,
  output: null,
  error: null,
};

export const noProgress: JobProgress = {
  stage: "",
  step: 0,
  total: 0,
  etaMs: null,
  curve: { place: null, points: [] },
  previews: [],
  log: { dropped: 0, lines: [] },
  metrics: {},
};

/** A job as the ledger has it. */
export interface JobRecord {
  readonly request: JobRequest;
  readonly state: JobState;
  readonly progress: JobProgress;
}

/** Cog's prediction object (replicate/cog, docs/http.md) for a job. */
export function predictionOf({ request, state, progress }: JobRecord): Prediction {
  const runTimeMs = state.startedAt === null || state.endedAt === null ? undefined : state.endedAt - state.startedAt;
  return {
    id: request.id,
    input: request.input,
    status: state.status,
    output: state.status === "succeeded" ? state.output : null,
    error: state.status === "failed" ? state.error : null,
    logs: progress.log.lines.join("\n"),
    metrics: { ...progress.metrics, ...(runTimeMs === undefined ? {} : { predict_time: runTimeMs / 1_000 }) },
    created_at: isoTime(request.createdAt),
    started_at: state.startedAt === null ? null : isoTime(state.startedAt),
    completed_at: isTerminal(state.status) && state.endedAt !== null ? isoTime(state.endedAt) : null,
    urls: {
      get: `/predictions/${request.id}`,
      cancel: `/predictions/${request.id}/cancel`,
      stream: `/predictions/${request.id}/events`,
    },
  };
}

const isoTime = (ms: number): string => new Date(ms).toISOString();

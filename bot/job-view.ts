import type { DrawnPicture, JobEvent, Prediction } from "../shared/job.ts";

/** Everything a progress message shows of a job, folded from its events. */
export interface JobView {
  readonly stage: string;
  readonly step: number;
  readonly total: number;
  readonly etaMs: number | undefined;
  /** Place in the queue; 0 is running. */
  readonly position: number;
  /** Mean squared error by step, oldest first. */
  readonly losses: readonly number[];
  readonly previews: readonly DrawnPicture[];
  /** Once the job has ended. */
  readonly ended: Prediction | undefined;
}

export const unseenJob: JobView = {
  stage: "",
  step: 0,
  total: 0,
  etaMs: undefined,
  position: 0,
  losses: [],
  previews: [],
  ended: undefined,
};

/** The view after one more event. `start` begins anew, because a reconnect replays everything. */
export function viewAfter(view: JobView, event: JobEvent): JobView {
  switch (event.type) {
    case "start":
      return unseenJob;
    case "completed":
      return { ...view, ended: event.prediction };
    case "progress": {
      const { stage, step, total, etaMs, position = 0, loss, preview } = event;
      const isNew = preview !== undefined && !view.previews.some(({ key }) => key === preview.key);
      return {
        ...view,
        stage,
        step,
        total,
        etaMs,
        position,
        losses: loss === undefined ? view.losses : [...view.losses, loss.loss],
        previews: isNew ? [...view.previews, preview] : view.previews,
      };
    }
    default:
      return view;
  }
}

import type { JobInput, TaskEvent } from "../../shared/job.ts";
import type { TaskContext, TaskRunner } from "../jobs/runner.ts";
import { describe } from "./describe.ts";
import { explain } from "./explain.ts";
import { imagine } from "./imagine.ts";
import { learn } from "./learn.ts";
import type { Workbench } from "./workbench.ts";

/** Does any job with the tools of one workbench, which keeps the job's models open until it ends. */
export const createTaskRunner = (bench: Workbench): TaskRunner =>
  async function* (input, context) {
    const { model, end } = bench.lease();
    try {
      yield* taskOf({ ...bench, model }, input, context);
    } finally {
      end();
    }
  };

function taskOf(bench: Workbench, input: JobInput, context: TaskContext): AsyncGenerator<TaskEvent> {
  switch (input.task) {
    case "describe":
      return describe(bench, input, context);
    case "learn":
      return learn(bench, input, context);
    case "imagine":
      return imagine(bench, input, context);
    case "explain":
      return explain(bench, input, context);
  }
}

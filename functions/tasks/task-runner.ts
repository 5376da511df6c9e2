import type { TaskRunner } from "../jobs/runner.ts";
import { describe } from "./describe.ts";
import { explain } from "./explain.ts";
import { imagine } from "./imagine.ts";
import { learn } from "./learn.ts";
import type { Workbench } from "./workbench.ts";

/** Does any job with the tools of one workbench. */
export const createTaskRunner =
  (bench: Workbench): TaskRunner =>
  (input, context) => {
    switch (input.task) {
      case "describe":
        return describe(bench, input, context.files);
      case "learn":
        return learn(bench, input, context);
      case "imagine":
        return imagine(bench, input, context);
      case "explain":
        return explain(bench, input, context);
    }
  };

import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";

/** Everything that tasks need, on the embedded model: nothing is fetched, nothing is kept. */
export const openEmbeddedBench = (threads: number) =>
  openWorkbench({
    preset: "speed",
    providers: ["cpu"],
    threads,
    hub: { endpoint: "http://127.0.0.1:9" },
    store: createMemoryStore(),
  });

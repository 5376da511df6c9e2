// A worker in a process of its own over a file store, for tests that kill it: node worker-process.ts <folder> <job>
import { createLocalEngine } from "../../functions/jobs/engines/local.ts";
import { openFileStore } from "../../functions/store/file.ts";
import { countingTask, workerDeps } from "./sample-jobs.ts";

const [folder = "", id = ""] = process.argv.slice(2);
const { runTask } = countingTask(60, (step) => {
  process.stdout.write(`step ${step}\n`);
  return new Promise((resolve) => setTimeout(resolve, 10));
});
const worker = workerDeps(await openFileStore(folder), runTask, { leaseMs: 600, heartbeatMs: 50 });
const engine = createLocalEngine(worker);
const job = await worker.ledger.read(id);
if (job === undefined) throw new Error(`no job ${id}`);
await engine.dispatch(job.request);
await engine.idle();
process.stdout.write(`state ${(await worker.ledger.state(id))?.status}\n`);

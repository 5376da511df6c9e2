import { createHash } from "node:crypto";
import { userInfo } from "node:os";
import { resolve } from "node:path";
import type { Id, StoreKey, Viewer } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { JobInput, JobOutput, TaskEvent } from "../../shared/job.ts";
import type { ConceptLibrary } from "../concepts/library.ts";
import { inspectRecord } from "../concepts/library-record.ts";
import { readConfig } from "../config.ts";
import { markExpiry, sweepExpired } from "../jobs/expiry.ts";
import { createTaskFiles } from "../jobs/task-files.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { cleanPicture } from "../tasks/clean-picture.ts";
import { openWorkbench } from "../tasks/open-workbench.ts";
import { conceptIdOf } from "../tasks/passport.ts";
import { createTaskRunner } from "../tasks/task-runner.ts";
import type { Workbench } from "../tasks/workbench.ts";

/** One run of the command line: the tools, and the folder that concepts live in. */
export interface Session {
  readonly bench: Workbench;
  readonly store: Store;
  /** The person at the keyboard: owner of every concept of this folder. */
  readonly viewer: Viewer;
  /** Stores a picture without its metadata and gives its key, and the upload's size in pixels: what is stored may be smaller. */
  addPicture(upload: Uint8Array): Promise<{ key: string; width: number; height: number }>;
  /** Runs a job to its output. A learn job that was interrupted goes on from its last checkpoint when the same input
   * comes again to the same model within a week. */
  run<T extends JobOutput["task"]>(
    input: Extract<JobInput, { task: T }>,
    onEvent: (event: TaskEvent) => void,
    signal: AbortSignal,
  ): Promise<Extract<JobOutput, { task: T }>>;
  close(): Promise<void>;
}

const ownerId = "me";

/** Of the person at the keyboard. In a container there may be no entry for the user that commands run as. */
function userName(): string {
  try {
    return userInfo().username.slice(0, 64) || ownerId;
  } catch {
    return ownerId;
  }
}

/** Opens the concepts' folder of the settings, and destroys in it what was deleted, or was made by a command, longer than a week ago;
 * models load when first needed. @throws UserError bad_config */
export async function openSession(): Promise<Session> {
  const config = readConfig();
  const store = await openStore(`file:${resolve(config.concepts)}`);
  const opened = openWorkbench({ ...config, store });
  const bench = { ...opened, library: tellingOfList(opened.library) };
  await tidy(store, bench);
  const runTask = createTaskRunner(bench);
  return {
    bench,
    store,
    viewer: { user: { id: ownerId, name: userName() }, moderator: false },
    addPicture: async (upload) => {
      const { bytes, uploaded } = await cleanPicture(upload);
      const key = `pictures/${digest(bytes)}.png`;
      await markExpiry(store, key, bench.now().getTime());
      await store.put(key, bytes);
      return { key, ...uploaded };
    },
    run: async (input, onEvent, signal) => {
      const jobId = await jobIdOf(bench, store, input);
      const checkpointKey = checkpointOf(jobId);
      await markExpiry(store, jobFolder(jobId), bench.now().getTime());
      const checkpoint = await store.get(checkpointKey);
      let goesOn = checkpoint !== undefined;
      const context = {
        jobId,
        attempt: 1,
        signal,
        files: createTaskFiles(store, jobFolder(jobId)),
        saveCheckpoint: async (bytes: Uint8Array) => {
          await store.put(checkpointKey, bytes);
          goesOn = true;
        },
        ...(checkpoint && { checkpoint: checkpoint.data }),
      };
      let output: JobOutput | undefined;
      try {
        for await (const event of runTask(input, context)) {
          onEvent(event);
          if (event.type === "output") output = event.output;
        }
      } catch (error) {
        if (!goesOn || !(error instanceof UserError) || error.code !== "canceled") throw error;
        throw new UserError("canceled", `${error.message} The same command goes on from the last checkpoint.`);
      }
      await store.delete(checkpointKey);
      if (output?.task !== input.task) throw new Error(`the ${input.task} task ended without its output`);
      return output as never;
    },
    close: () => bench.close(),
  };
}

/** What the hourly round of the service does, once per command. What cannot be removed is tried again by the next one. */
async function tidy(store: Store, { library, now }: Pick<Workbench, "library" | "now">): Promise<void> {
  await Promise.allSettled([sweepExpired(store, now().getTime()), library.purge()]);
}

const jobFolder = (jobId: Id): StoreKey => `jobs/${jobId}`;
const checkpointOf = (jobId: Id): StoreKey => `${jobFolder(jobId)}/checkpoint.bin`;

/** The same for the same input, so that an interrupted job is found again. A learn job's also tells the model, and changes once its
 * concept is saved: whoever learns again, after deleting the word or to have another, gets a new one and not what was there. */
async function jobIdOf(bench: Pick<Workbench, "model">, store: Store, input: JobInput): Promise<Id> {
  if (input.task !== "learn") return digest(JSON.stringify(input));
  const { hash } = await bench.model(input.model);
  for (let run = 0; ; run++) {
    const jobId = digest(JSON.stringify([hash, run, input]));
    const saved = await inspectRecord(store, conceptIdOf(jobId));
    if (!saved) return jobId;
    // Killed after saving, before the end: the same command ends it.
    if (saved.record && !saved.record.deleted && (await store.head(checkpointOf(jobId)))) return jobId;
  }
}

/** The library, which on the command line also says where all the words are that there are. */
const tellingOfList = (library: ConceptLibrary): ConceptLibrary => ({
  ...library,
  resolve: async (reference, viewer) => {
    try {
      return await library.resolve(reference, viewer);
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== "not_found") throw error;
      throw new UserError("not_found", `${error.message} To see all words: \`npm run concepts -- list\`.`, {
        cause: error,
      });
    }
  },
});

const digest = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex").slice(0, 32);

import { createHash } from "node:crypto";

/** The seed of a job that names none: the same on every attempt, another for every job, whatever its id is made of. */
export const jobSeed = (jobId: string): number => createHash("sha256").update(jobId).digest().readUInt32BE();

import type { Id } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Log } from "./log.ts";

/** Makes a function that reads something of one job for the sake of all: where that is damaged, or of another version of this
 * program, it is logged once and the answer is undefined. @throws UserError unavailable */
export function leavingOutDamaged(
  log: Log,
): <Result>(job: Id, read: () => Promise<Result>) => Promise<Result | undefined> {
  const told = new Set<Id>();
  return async (job, read) => {
    try {
      return await read();
    } catch (error) {
      if (error instanceof UserError) throw error;
      if (!told.has(job)) log.error("a damaged job is left out", { job, error });
      told.add(job);
      return undefined;
    }
  };
}

import colours from "picocolors";
import { type ErrorCode, UserError } from "../../shared/error.ts";
import { say } from "./outputs.ts";
import { openSession, type Session } from "./session.ts";

/** Runs one command with an opened session and ends the process with its exit code. */
export type Runner = (command: (session: Session, signal: AbortSignal) => Promise<unknown>) => Promise<void>;

/** 0 success, 1 a bug of ours, 2 wrong arguments (commander's too), then one per kind of trouble. */
export const exitCodes: Readonly<Partial<Record<ErrorCode, number>>> = {
  bad_request: 2,
  bad_image: 3,
  bad_safetensors: 4,
  bad_config: 5,
  bad_concept: 6,
  bad_prompt: 7,
  not_found: 8,
  too_large: 9,
  conflict: 10,
  unavailable: 11,
  engine_failed: 12,
  canceled: 130,
};

export const runCommand: Runner = async (command) => {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new UserError("canceled", "Stopped."));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  let session: Session | undefined;
  try {
    session = await openSession();
    await command(session, controller.signal);
  } catch (error) {
    process.exitCode = report(error);
  } finally {
    await session?.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
};

/** Says what went wrong, for people; gives the exit code. */
export function report(error: unknown): number {
  if (error instanceof UserError) {
    say([colours.red, "✗"], ` ${error.message}`);
    return exitCodes[error.code] ?? 1;
  }
  const trace = error instanceof Error ? error.stack : String(error);
  say([colours.red, "✗"], ` Something broke on our side; please report this with the command you ran:\n${trace}`);
  return 1;
}

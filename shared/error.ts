/** An error meant to be read by the person who caused it: it says what was expected, what came and what to do.
 * Everything else that is thrown is a bug. */
export class UserError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UserError";
    this.code = code;
  }
}

/** Stable machine-readable codes; the HTTP status and the CLI exit code derive from them. */
export type ErrorCode =
  | "bad_request"
  | "bad_image"
  | "bad_safetensors"
  | "bad_config"
  | "bad_concept"
  | "bad_prompt"
  | "not_found"
  | "conflict"
  | "forbidden"
  | "unauthorized"
  | "too_large"
  | "too_many"
  | "unavailable"
  | "engine_failed"
  | "canceled";

/** What people read when a bug kept them from an answer; `id` finds it in the log. */
export const bugMessage = (id: string): string =>
  `Something broke on our side. Try again; if it happens again, report this number: ${id}`;

/** An error meant to be read by the person who caused it: it says what was expected, what came and what to do.
 * Everything else that is thrown is a bug. */
export class UserError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(visible(message), options);
    this.name = "UserError";
    this.code = code;
  }
}

/** Messages quote names from files and requests: what would move the cursor of a terminal or turn the direction of the text is
 * written out instead, as JSON writes it. */
export const visible = (text: string): string =>
  text.replace(unseen, (sign) => `\\u${(sign.codePointAt(0) as number).toString(16).padStart(4, "0")}`);

/** Control characters but line ends and tabs, and Unicode's marks of direction (UAX #9). */
const unseen = /[^\P{Cc}\n\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

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

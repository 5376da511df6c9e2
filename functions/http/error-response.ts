import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { bugMessage, type ErrorCode, UserError } from "../../shared/error.ts";
import type { Log } from "../jobs/log.ts";

const statusByCode: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  bad_request: 400,
  bad_image: 400,
  bad_safetensors: 400,
  bad_config: 400,
  bad_concept: 400,
  bad_prompt: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  too_many: 429,
  engine_failed: 502,
  unavailable: 503,
  canceled: 409,
};

/** The HTTP status an error code is answered with. */
export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return statusByCode[code];
}

/** The one place where an exception becomes an answer: a UserError is shown as it is, everything else is a bug,
 * logged under an id and answered with that id alone. */
export function errorResponse(error: unknown, context: Context, log: Log, newId: () => string): Response {
  if (error instanceof UserError) {
    return context.json({ error: { code: error.code, message: error.message } }, statusOf(error.code));
  }
  if (error instanceof HTTPException) {
    return context.json({ error: { code: "bad_request", message: error.message } }, error.status);
  }
  const id = newId();
  log.error("request failed", { id, method: context.req.method, path: context.req.path, error });
  return context.json({ error: { code: "internal", message: bugMessage(id), id } }, 500);
}

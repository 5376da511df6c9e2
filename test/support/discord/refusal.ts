import type { z } from "zod";

/** What Discord answers when it refuses a request: HTTP status, JSON error code, and the tree of form errors of 50035. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly errors: object | undefined;

  constructor(status: number, code: number, message: string, errors?: object) {
    super(errors === undefined ? message : `${message}\n${JSON.stringify(errors)}`);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.errors = errors;
  }

  body(): object {
    return {
      message: this.message.split("\n")[0],
      code: this.code,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}

/** Discord's JSON error codes that the emulator knows (docs: Topics, Opcodes and Status Codes). */
export const refusals = {
  unauthorized: () => new Refusal(401, 0, "401: Unauthorized"),
  notFound: () => new Refusal(404, 0, "404: Not Found"),
  unknownApplication: () => new Refusal(404, 10002, "Unknown Application"),
  unknownChannel: () => new Refusal(404, 10003, "Unknown Channel"),
  unknownGuild: () => new Refusal(404, 10004, "Unknown Guild"),
  unknownMessage: () => new Refusal(404, 10008, "Unknown Message"),
  unknownUser: () => new Refusal(404, 10013, "Unknown User"),
  unknownWebhook: () => new Refusal(404, 10015, "Unknown Webhook"),
  unknownInteraction: () => new Refusal(404, 10062, "Unknown interaction"),
  unknownCommand: () => new Refusal(404, 10063, "Unknown application command"),
  tooManyCommands: () => new Refusal(400, 30032, "Maximum number of application commands reached (100)."),
  dailyCommandCreates: () =>
    new Refusal(429, 30034, "Max number of daily application command creates has been reached (200)"),
  tooLarge: () => new Refusal(413, 40005, "Request entity too large"),
  alreadyAcknowledged: () => new Refusal(400, 40060, "Interaction has already been acknowledged."),
  missingAccess: () => new Refusal(403, 50001, "Missing Access"),
  notYourMessage: () => new Refusal(403, 50005, "Cannot edit a message authored by another user"),
  emptyMessage: () => new Refusal(400, 50006, "Cannot send an empty message"),
  directMessagesClosed: () => new Refusal(403, 50007, "Cannot send messages to this user"),
  missingPermissions: () => new Refusal(403, 50013, "Missing Permissions"),
  invalidWebhookToken: () => new Refusal(401, 50027, "Invalid Webhook Token"),
  archivedThread: () => new Refusal(400, 50083, "Thread is archived"),
  invalidJson: () => new Refusal(400, 50109, "The request body contains invalid JSON."),
} as const;

/** 50035 with one error at `path`, e.g. `["data", "components", 0]`. */
export function formError(path: readonly PropertyKey[], code: string, message: string): Refusal {
  return formErrors([{ path, code, message }]);
}

export interface FormError {
  readonly path: readonly PropertyKey[];
  readonly code: string;
  readonly message: string;
}

/** 50035 with every error at its place in the form. */
export function formErrors(found: readonly FormError[]): Refusal {
  const tree: Record<string, unknown> = {};
  for (const { path, code, message } of found) {
    let node = tree;
    for (const key of path) {
      node[String(key)] ??= {};
      node = node[String(key)] as Record<string, unknown>;
    }
    node["_errors"] = [...((node["_errors"] as object[] | undefined) ?? []), { code, message }];
  }
  return new Refusal(400, 50035, "Invalid Form Body", tree);
}

/** Checks a payload against a schema. @throws Refusal 50035 that names every wrong field */
export function parseForm<T extends z.ZodType>(
  schema: T,
  payload: unknown,
  prefix: readonly string[] = [],
): z.infer<T> {
  const parsed = schema.safeParse(payload, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw formErrors(parsed.error.issues.map((issue) => ({ path: [...prefix, ...issue.path], ...describeIssue(issue) })));
}

function describeIssue(issue: z.core.$ZodIssue): { code: string; message: string } {
  if (issue.code === "custom") {
    return { code: String(issue.params?.["code"] ?? "BASE_TYPE_INVALID"), message: issue.message };
  }
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return { code: "BASE_TYPE_REQUIRED", message: "This field is required" };
  }
  if (issue.code === "invalid_value") return { code: "BASE_TYPE_CHOICES", message: issue.message };
  if (issue.code === "invalid_union") return { code: "UNION_TYPE_CHOICES", message: issue.message };
  if (issue.code === "too_big" || issue.code === "too_small") {
    const isNumber = issue.origin === "number" || issue.origin === "int";
    if (isNumber) return { code: `NUMBER_TYPE_${issue.code === "too_big" ? "MAX" : "MIN"}`, message: issue.message };
    return { code: "BASE_TYPE_BAD_LENGTH", message: issue.message };
  }
  return { code: "BASE_TYPE_BAD_VALUE", message: issue.message };
}

import type { Context, Hono } from "hono";
import type { z } from "zod";
import type { Route } from "../../shared/api.ts";
import { Id } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import type { Caller } from "./app-deps.ts";

/** What `authenticate` leaves for the handlers. */
export interface AppEnv {
  Variables: { identity: Identity; body: Uint8Array<ArrayBuffer> };
}

type BodyOf<R extends Route> = R["request"] extends z.ZodType
  ? z.output<R["request"]>
  : R["request"] extends "bytes"
    ? Uint8Array
    : null;
type QueryOf<R extends Route> = R["query"] extends z.ZodType ? z.output<R["query"]> : null;
type AnswerOf<R extends Route> = R["response"] extends z.ZodType ? z.input<R["response"]> : Response;

export interface Request<R extends Route> extends Caller {
  /** Value of `:id` or `:key` in the path, "" where there is none. */
  readonly id: string;
  readonly body: BodyOf<R>;
  readonly query: QueryOf<R>;
  header(name: string): string | undefined;
}

/** Registers the handler of a route of the contract: id, body and query come in checked, the answer goes out as the contract
 * says, or as the Response the handler made itself. */
export function mount<R extends Route>(
  app: Hono<AppEnv>,
  route: R,
  handle: (request: Request<R>) => Promise<AnswerOf<R> | Response>,
): void {
  app.on(route.method, honoPath(route.path), async (context) => {
    const answer = await handle({
      identity: context.get("identity"),
      signal: context.req.raw.signal,
      id: pathValue(context),
      body: bodyOf(route, context) as BodyOf<R>,
      query: (route.query === undefined
        ? null
        : check(route.query, context.req.query(), "the query string")) as QueryOf<R>,
      header: (name) => context.req.header(name),
    });
    return answer instanceof Response ? answer : context.json(answer);
  });
}

/** `:key` keeps its slashes. */
const honoPath = (path: string): string => path.replace(":key", ":key{.+}");

/** @throws UserError bad_request when what stands for `:id` is no id */
function pathValue(context: Context): string {
  const id = context.req.param("id");
  return id === undefined ? (context.req.param("key") ?? "") : check(Id, id, "the id");
}

function bodyOf(route: Route, context: Context<AppEnv>): unknown {
  if (route.request === null) return null;
  const bytes = context.get("body");
  return route.request === "bytes" ? bytes : check(route.request, parseJson(bytes), "the body");
}

/** @throws UserError bad_request */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new UserError("bad_request", "Expected JSON in UTF-8 as the body of the request.", { cause });
  }
}

/** @throws UserError bad_request that names every field */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  // Names of fields come from outside and may be long.
  const faults = parsed.error.issues
    .slice(0, 10)
    .map(({ path, message }) => [...(path.length > 0 ? [path.join(".")] : []), message].join(": ").slice(0, 200));
  throw new UserError("bad_request", `Something in ${where} is not as expected. ${faults.join("; ")}.`);
}

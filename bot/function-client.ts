import ky, { HTTPError, NetworkError, TimeoutError } from "ky";
import type { z } from "zod";
import { ErrorBody, type Route, routes } from "../shared/api.ts";
import { type ErrorCode, UserError } from "../shared/error.ts";
import { type Identity, signRequest } from "../shared/identity.ts";
import type { JobEvent } from "../shared/job.ts";
import { readJobEvents } from "../shared/job-stream.ts";
import type { Clock } from "./clock.ts";

export interface CallOptions {
  /** Values of `:id` and `:key` in the path. */
  readonly id?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string | number>>;
  /** JSON, checked by the gateway; bytes for a route that takes bytes. */
  readonly body?: unknown;
  /** For the whole call, retries included. */
  readonly timeoutMs?: number;
}

/** What a route answers, as its schema in shared/api.ts says. */
export type Reply<R extends Route> = R["response"] extends z.ZodType
  ? z.output<R["response"]>
  : R["response"] extends "bytes"
    ? Buffer
    : never;

/** The gateway, spoken to on behalf of people. */
export interface FunctionClient {
  /** @throws UserError as the gateway said it, or unavailable when it does not answer */
  call<R extends Route>(route: R, identity: Identity, options?: CallOptions): Promise<Reply<R>>;
  /** A job's events, through reconnects, up to and including `completed`. Every reconnect replays from the start.
   * @throws UserError when the job may not be seen, or the gateway is away for longer than its retries */
  follow(jobId: string, identity: Identity, signal: AbortSignal): AsyncGenerator<JobEvent>;
}

const defaultTimeoutMs = 60_000;

/** Reconnects without any event in between before `follow` gives up: about a minute of waiting. */
const maxReconnects = 8;

export function createFunctionClient(gatewayUrl: string, secret: string, clock: Clock): FunctionClient {
  const base = gatewayUrl.replace(/\/+$/, "");
  const http = ky.create({
    // Every route is idempotent, so every method may be repeated.
    retry: {
      limit: 3,
      methods: ["get", "post", "put", "patch", "delete"],
      statusCodes: [502, 503, 504],
      backoffLimit: 4_000,
      maxRetryAfter: 4_000,
      jitter: true,
    },
  });

  const send = async (route: Route, identity: Identity, options: CallOptions, more: object): Promise<Response> => {
    const path = pathOf(route, options);
    const body = bodyOf(route, options.body);
    const parts = { method: route.method, path, body: body ?? new Uint8Array() };
    const signed = await signRequest(secret, identity, parts, clock.now());
    const type = route.request === "bytes" ? "application/octet-stream" : "application/json";
    // Jobs are followed, never waited for inside one request.
    const headers = { ...signed, prefer: "respond-async", ...(body === undefined ? {} : { "content-type": type }) };
    try {
      return await http(base + path, { method: route.method, headers, ...(body && { body }), ...more });
    } catch (error) {
      throw error instanceof HTTPError ? saidBy(error) : unreachable(error);
    }
  };

  return {
    async call<R extends Route>(route: R, identity: Identity, options: CallOptions = {}) {
      const limit = options.timeoutMs ?? defaultTimeoutMs;
      const signal = AbortSignal.timeout(limit);
      const response = await send(route, identity, options, { timeout: limit, signal });
      if (route.response === null || route.response === "events") return undefined as never;
      const bytes = await bytesOf(response);
      if (route.response === "bytes") return bytes as Reply<R>;
      return route.response.parse(JSON.parse(bytes.toString())) as Reply<R>;
    },
    async *follow(jobId, identity, signal) {
      for (let failures = 0; failures < maxReconnects; failures++) {
        signal.throwIfAborted();
        if (failures > 0) await clock.sleep(Math.min(10_000, 500 * 2 ** failures), signal);
        try {
          const response = await send(routes.followPrediction, identity, { id: jobId }, { timeout: false, signal });
          for await (const event of readJobEvents(response.body ?? new ReadableStream())) {
            failures = 0;
            yield event;
            if (event.type === "completed") return;
          }
        } catch (error) {
          const isFinal = error instanceof UserError && error.code !== "unavailable";
          if (signal.aborted || isFinal) throw error;
        }
      }
      throw new UserError("unavailable", away);
    },
  };
}

const away = "The studio that draws is not answering right now. Nothing is lost: try again in a minute.";

function pathOf(route: Route, { id = "", key = "", query }: CallOptions): string {
  const path = route.path
    .replace(":id", encodeURIComponent(id))
    .replace(":key", key.split("/").map(encodeURIComponent).join("/"));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) search.set(name, String(value));
  return search.size === 0 ? path : `${path}?${search}`;
}

function bodyOf(route: Route, body: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (route.request === null) return undefined;
  if (route.request === "bytes") return new Uint8Array(body as Uint8Array);
  return new TextEncoder().encode(JSON.stringify(body));
}

/** The whole body of an answer. @throws UserError unavailable when the connection breaks, or time runs out, before its end */
async function bytesOf(response: Response): Promise<Buffer> {
  try {
    return Buffer.from(await response.arrayBuffer());
  } catch (cause) {
    throw new UserError("unavailable", away, { cause });
  }
}

/** The gateway's own words. An answer in another form comes from something between us and it. */
function saidBy(error: HTTPError): UserError {
  const parsed = ErrorBody.safeParse(error.data);
  if (!parsed.success) return new UserError("unavailable", away, { cause: error });
  const { code, message } = parsed.data.error;
  return new UserError(code as ErrorCode, message, { cause: error });
}

function unreachable(error: unknown): unknown {
  const isAway = error instanceof NetworkError || error instanceof TimeoutError || isAbort(error);
  return isAway ? new UserError("unavailable", away, { cause: error }) : error;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}

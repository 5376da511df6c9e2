import { z } from "zod";
import { ErrorBody } from "../../../shared/api.ts";
import { UserError } from "../../../shared/error.ts";
import { type Identity, signRequest } from "../../../shared/identity.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { EngineHealth, JobEngine } from "./engine.ts";

export interface HttpEngineOptions {
  /** Base URL of the GPU function. It opens the same store as we do. */
  readonly url: string;
  /** Shared with the GPU function; absent where the network itself keeps strangers out. */
  readonly secret?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly capacity?: number;
  readonly coldStartMs?: number;
  readonly timeoutMs?: number;
}

/** Marks what a gateway has queued: it is in the store already, or the GPU function has another store. */
export const queuedHeader = "x-eponym-queued";

const Health = z.object({ status: z.enum(["STARTING", "READY", "BUSY", "SETUP_FAILED", "UNHEALTHY"]) });
/** Refusals that say nothing of the job: the secret, the clock, the load, a proxy whose machine is away. */
const notOfTheJob: ReadonlySet<number> = new Set([401, 403, 404, 408, 425, 429]);
/** The gateway speaks for itself here; whose job it is stands in the ledger. */
const self: Identity = { user: { id: "0", name: "gateway" }, moderator: false, roles: [], service: true };

/** A GPU function (gpu.ts) that opens our store and speaks Cog's routes, one prediction at a time. */
export function createHttpEngine(options: HttpEngineOptions): JobEngine {
  const base = options.url.replace(/\/+$/, "");

  const send = async (method: string, path: string, body?: unknown, more: object = {}): Promise<Response> => {
    const bytes = new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body));
    const signed =
      options.secret === undefined
        ? {}
        : await signRequest(
            options.secret,
            self,
            { method, path: new URL(`${base}${path}`).pathname, body: bytes },
            options.clock.now(),
          );
    return fetch(`${base}${path}`, {
      method,
      headers: { ...signed, ...more, "content-type": "application/json", prefer: "respond-async" },
      ...(body === undefined ? {} : { body: bytes }),
      redirect: "error",
      signal: AbortSignal.timeout(options.timeoutMs ?? 10_000),
    });
  };

  return {
    capacity: options.capacity ?? 1,
    coldStartMs: options.coldStartMs ?? 0,
    // A box that scales from zero claims only when it is up.
    claimWithinMs: 30_000 + 2 * (options.coldStartMs ?? 0),
    async dispatch({ id, input }) {
      const response = await send("PUT", `/predictions/${id}`, { input }, { [queuedHeader]: "true" });
      if (response.ok) {
        await response.body?.cancel();
        return "accepted";
      }
      const text = await response.text();
      if (response.status === 409 || response.status === 503) return "full";
      const { code, message } = errorOf(text);
      if (code === "bad_config") return { refused: message };
      const answer = `The GPU function answered ${response.status}: ${message}`;
      if (response.status >= 500) return { failed: answer };
      if (response.status >= 400 && !notOfTheJob.has(response.status)) {
        return { refused: `${answer} Whoever runs this service finds more in its log.` };
      }
      throw new UserError("unavailable", answer);
    },
    async cancel(id) {
      try {
        await (await send("POST", `/predictions/${id}/cancel`)).body?.cancel();
      } catch (error) {
        options.log.warn("cancel not delivered, the job's heartbeat will see it", { job: id, error });
      }
    },
    async health(): Promise<EngineHealth> {
      try {
        return Health.parse(await (await send("GET", "/health-check")).json()).status;
      } catch {
        // Scaled to zero and broken look alike from here; the first is the common case.
        return (options.coldStartMs ?? 0) > 0 ? "STARTING" : "UNHEALTHY";
      }
    },
    async close() {
      // Its jobs go on: they belong to the ledger, and the next gateway finds them there.
    },
  };
}

/** A proxy on the way answers in its own words. */
function errorOf(text: string): { readonly code?: string; readonly message: string } {
  try {
    return ErrorBody.parse(JSON.parse(text)).error;
  } catch {
    return { message: text.slice(0, 200) };
  }
}

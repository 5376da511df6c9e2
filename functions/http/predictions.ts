import type { Context, Hono } from "hono";
import { z } from "zod";
import { routes } from "../../shared/api.ts";
import { Id } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import { isTerminal, JobInput, type Prediction } from "../../shared/job.ts";
import { type JobRecord, predictionOf } from "../jobs/job-record.ts";
import { watchJob } from "../jobs/watch-job.ts";
import type { Caller, ServiceDeps } from "./app-deps.ts";
import { eventStream } from "./event-stream.ts";
import { type AppEnv, check, mount, parseJson } from "./mount.ts";

/** Cog's request. Webhooks are left out on purpose: a service that posts to any address it is given can be made to attack its
 * own network; following the events gives the same news. */
export const PredictionRequest = z.object({
  id: Id.optional(),
  input: JobInput,
  webhook: z.undefined("webhooks are not sent here; follow GET /predictions/<id>/events instead").optional(),
  output_file_prefix: z.undefined("files stay in the store; read them at GET /files/<key>").optional(),
});
export type PredictionRequest = z.infer<typeof PredictionRequest>;

/** How this service takes a request: into its queue, or onto its GPU. */
export interface Acceptance {
  /** @throws UserError conflict when the service is full, too_many when the person has too much open */
  accept(identity: Identity, id: Id, input: JobInput): Promise<JobRecord>;
  /** The job, if this person may see it. */
  find(identity: Identity, id: Id): Promise<JobRecord | undefined>;
}

/** Cog's prediction API (replicate/cog, docs/http.md), durable: a job outlives connection, client and service. Wait for the end
 * (no header), come back later (`Prefer: respond-async`), or follow (`Accept: text/event-stream`). */
export function mountPredictions(app: Hono<AppEnv>, deps: ServiceDeps, acceptance: Acceptance): void {
  const found = async (identity: Identity, id: Id): Promise<JobRecord> => {
    const job = await acceptance.find(identity, id);
    if (job !== undefined) return job;
    throw new UserError("not_found", `There is no prediction ${id}, or it is not yours.`);
  };
  const watch = (id: Id) => (signal: AbortSignal) => watchJob(deps, id, signal);

  const create = async (context: Context<AppEnv>, pathId?: Id): Promise<Response> => {
    const request = check(PredictionRequest, parseJson(context.get("body")), "the body");
    if (pathId !== undefined && request.id !== undefined && pathId !== request.id) {
      throw new UserError(
        "bad_request",
        `The path says ${pathId}, the body ${request.id}: leave the id in one of them.`,
      );
    }
    const id = check(Id, pathId ?? request.id ?? deps.newId(), "the id");
    const job = await acceptance.accept(context.get("identity"), id, request.input);
    const prediction = predictionOf(job);
    if (context.req.header("accept")?.includes("text/event-stream")) return eventStream(deps, watch(id), prediction);
    if (isTerminal(prediction.status)) return context.json(prediction, 200);
    if (context.req.header("prefer")?.includes("respond-async")) return context.json(prediction, 202);
    return context.json(await waitForEnd(deps, id, context.req.raw.signal), 200);
  };
  app.post("/predictions", (context) => create(context));
  app.put("/predictions/:id", (context) => create(context, context.req.param("id")));

  mount(app, routes.readPrediction, async ({ identity, id }) => predictionOf(await found(identity, id)));

  mount(app, routes.followPrediction, async ({ identity, id }) =>
    eventStream(deps, watch(id), predictionOf(await found(identity, id))),
  );

  mount(app, routes.cancelPrediction, async ({ identity, id }) => {
    await found(identity, id);
    await deps.ledger.cancel(id);
    await deps.engine.cancel(id);
    deps.bell.ring(id);
    return predictionOf(await found(identity, id));
  });
}

/** The prediction once it has ended. @throws UserError unavailable when the service stops before */
export async function waitForEnd(deps: ServiceDeps, id: Id, client: Caller["signal"]): Promise<Prediction> {
  for await (const event of watchJob(deps, id, AbortSignal.any([client, deps.closing]))) {
    if (event.type === "completed") return event.prediction;
  }
  throw new UserError("unavailable", `The service restarts. The prediction goes on: ask for it at /predictions/${id}.`);
}

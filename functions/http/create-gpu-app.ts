import type { Hono } from "hono";
import { routes } from "../../shared/api.ts";
import { Id } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import { isTerminal, type JobInput } from "../../shared/job.ts";
import type { JobEngine } from "../jobs/engines/engine.ts";
import { queuedHeader } from "../jobs/engines/http.ts";
import type { ServiceDeps } from "./app-deps.ts";
import { type AppEnv, check, parseJson } from "./mount.ts";
import { storePictures } from "./pictures.ts";
import { type Acceptance, mountPredictions, PredictionRequest, waitForEnd } from "./predictions.ts";
import { createService } from "./service.ts";

export interface GpuAppDeps extends ServiceDeps {
  readonly engine: JobEngine;
  /** Shared with the gateway. Without it every request is taken: for platforms that keep strangers out themselves. */
  readonly secret?: string;
}

const { readPrediction, followPrediction, cancelPrediction } = routes;
const predictionRoutes = { readPrediction, followPrediction, cancelPrediction };

/** Whoever may speak to the GPU function at all speaks for everybody: the gateway has decided already. */
const self: Identity = { user: { id: "0", name: "gateway" }, moderator: false, roles: [], service: true };

/** Run here, a job that the gateway keeps in another store would end where nobody looks. */
const elsewhere = () =>
  new UserError(
    "bad_config",
    "The GPU function does not find this job in its store: its STORE must be the gateway's. Whoever runs this service can change that; infra/README.md tells how.",
  );

/** The GPU function: Cog's prediction API, one prediction at a time, 409 while busy, and SageMaker's aliases. */
export function createGpuApp(deps: GpuAppDeps): Hono<AppEnv> {
  const app = createService(deps, {
    title: "Eponym GPU function",
    routes: predictionRoutes,
    health: () => deps.engine.health(),
    trusted: self,
    ...(deps.secret !== undefined && { secret: deps.secret }),
  });
  app.use("*", async (context, next) => {
    if (!context.get("identity").service) {
      throw new UserError("forbidden", "The GPU function takes predictions from the gateway alone.");
    }
    await next();
  });
  app.put("/predictions/:id", async (context, next) => {
    const id = check(Id, context.req.param("id"), "the id");
    if (context.req.header(queuedHeader) !== undefined && (await deps.ledger.read(id)) === undefined) throw elsewhere();
    await next();
  });
  const acceptance = createGpuAcceptance(deps);
  mountPredictions(app, deps, acceptance);
  app.post("/invocations", async (context) => {
    const { id = deps.newId(), input } = check(PredictionRequest, parseJson(context.get("body")), "the body");
    await acceptance.accept(context.get("identity"), id, input);
    return context.json(await waitForEnd(deps, id, context.req.raw.signal));
  });
  return app;
}

/** A job that the gateway queued is in the ledger already; one that came straight here is written there first, so that sending
 * it again after a crash goes on from its checkpoint. */
function createGpuAcceptance(deps: GpuAppDeps): Acceptance {
  const full = () => new UserError("conflict", "A prediction is running here. Send this one again when it has ended.");
  return {
    async accept(_identity, id, input) {
      const known = await deps.ledger.read(id);
      if (known !== undefined && isTerminal(known.state.status)) return known;
      if (known === undefined && (await deps.engine.health()) !== "READY") throw full();
      const request = known?.request ?? (await newRequest(deps, id, input));
      const job = known ?? (await deps.ledger.submit(request));
      if ((await deps.engine.dispatch(request)) === "accepted") return job;
      // Nobody would ever run what was written only a moment ago and refused.
      if (known === undefined) await deps.ledger.cancel(id);
      throw full();
    },
    find: (_identity, id) => deps.ledger.read(id),
  };
}

async function newRequest(deps: GpuAppDeps, id: Id, input: JobInput) {
  const owner = (input.task === "learn" ? input.owner : input.viewer?.user)?.id ?? self.user.id;
  const server = input.task === "learn" ? input.server : input.viewer?.server;
  const stored = await storePictures(deps, owner, input, async () => true);
  return { id, input: stored, userId: owner, serverId: server ?? null, createdAt: deps.clock.now() };
}

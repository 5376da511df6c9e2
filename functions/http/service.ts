import { Hono } from "hono";
import type { Route } from "../../shared/api.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import type { EngineHealth } from "../jobs/engines/engine.ts";
import type { ServiceDeps } from "./app-deps.ts";
import { authenticate } from "./authenticate.ts";
import { errorResponse } from "./error-response.ts";
import type { AppEnv } from "./mount.ts";
import { openApi } from "./openapi.ts";

/** What every service answers to anybody (health, OpenAPI), one error handler, and the signature before everything else. */
export function createService(
  deps: ServiceDeps,
  options: {
    readonly title: string;
    readonly routes: Readonly<Record<string, Route>>;
    readonly health: () => Promise<EngineHealth>;
    readonly secret?: string;
    readonly trusted?: Identity;
  },
): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const document = openApi(options.title, options.routes, options.secret !== undefined);
  const startedAt = new Date(deps.clock.now()).toISOString();

  app.onError((error, context) => errorResponse(error, context, deps.log, deps.newId));
  app.notFound((context) =>
    errorResponse(
      new UserError("not_found", `There is no ${context.req.method} ${context.req.path}; see /openapi.json.`),
      context,
      deps.log,
      deps.newId,
    ),
  );
  app.get("/", (context) =>
    context.json({
      openapi_url: "/openapi.json",
      healthcheck_url: "/health-check",
      predictions_url: "/predictions",
      predictions_idempotent_url: "/predictions/{prediction_id}",
      predictions_cancel_url: "/predictions/{prediction_id}/cancel",
    }),
  );
  app.get("/openapi.json", (context) => context.json(document));
  app.get("/health-check", async (context) => {
    const status = await options.health();
    const setup = status === "STARTING" ? "starting" : status === "SETUP_FAILED" ? "failed" : "succeeded";
    return context.json({ status, setup: { started_at: startedAt, status: setup } });
  });
  // SageMaker and load balancers: 200 ready, 204 still loading, 503 never will be.
  app.get("/ping", async (context) => {
    const status = await options.health();
    if (status === "READY" || status === "BUSY") return context.body(null, 200);
    return context.body(null, status === "STARTING" ? 204 : 503);
  });
  app.use(
    "*",
    authenticate({
      ...(options.secret !== undefined && { secret: options.secret }),
      ...(options.trusted !== undefined && { trusted: options.trusted }),
      now: () => deps.clock.now(),
    }),
  );
  return app;
}

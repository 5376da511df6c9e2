import type { Hono } from "hono";
import { routes } from "../../shared/api.ts";
import { UserError } from "../../shared/error.ts";
import { createDeliveries } from "../jobs/deliveries.ts";
import type { ServiceDeps } from "./app-deps.ts";
import { type AppEnv, mount } from "./mount.ts";

/** Where the bot keeps what it still has to tell people. */
export function mountDeliveries(
  app: Hono<AppEnv>,
  deps: Pick<ServiceDeps, "store" | "clock" | "log" | "ledger">,
): void {
  const deliveries = createDeliveries(deps);
  const unknown = (id: string) => new UserError("not_found", `There is no delivery ${id}, or it is not yours.`);

  mount(app, routes.putDelivery, async ({ identity, id, body }) => {
    const job = await deps.ledger.read(id);
    if (job !== undefined && job.request.userId !== identity.user.id) throw unknown(id);
    const stored = await deliveries.create({ id, ...body, identity });
    if (stored.identity.user.id !== identity.user.id) throw unknown(id);
    return stored;
  });

  mount(app, routes.listDeliveries, async ({ identity }) => {
    if (!identity.service) throw new UserError("forbidden", "Only the bot itself may list deliveries.");
    return { deliveries: [...(await deliveries.open())] };
  });

  mount(app, routes.patchDelivery, async ({ identity, id, body }) => {
    const stored = await deliveries.read(id);
    if (stored === undefined || (!identity.service && stored.identity.user.id !== identity.user.id)) throw unknown(id);
    return deliveries.patch(id, body);
  });
}

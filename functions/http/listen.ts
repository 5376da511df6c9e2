import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { UserError } from "../../shared/error.ts";
import type { AppEnv } from "./mount.ts";

export interface Listener {
  readonly port: number;
  /** Takes no new requests, gives the running ones `graceMs`, then hangs up. */
  close(graceMs?: number): Promise<void>;
}

/** Serves an app over HTTP; port 0 is any free one. @throws UserError bad_config when the port is taken */
export async function listen(app: Hono<AppEnv>, port: number): Promise<Listener> {
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new UserError("bad_config", `Cannot listen on port ${port} (${cause.code}). Set PORT to a free one, or to 0.`, {
          cause,
        }),
      ),
    );
    server.listen(port, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    async close(graceMs = 5_000) {
      const closed = new Promise((resolve) => server.close(resolve));
      const timer = setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), graceMs);
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      await closed;
      clearTimeout(timer);
    },
  };
}

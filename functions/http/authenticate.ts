import type { MiddlewareHandler } from "hono";
import { UserError } from "../../shared/error.ts";
import { type Identity, verifyRequest } from "../../shared/identity.ts";
import { limits } from "../../shared/limits.ts";
import type { AppEnv } from "./mount.ts";
import { readBody } from "./read-body.ts";

/** Reads the body within its limit, checks the signature over it and leaves both for the handlers. Without a secret every
 * request is `trusted`: for a service that only its own network can reach. */
export function authenticate(options: {
  readonly secret?: string;
  readonly trusted?: Identity;
  readonly now: () => number;
}): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const { method, url, headers } = context.req.raw;
    const { pathname, search } = new URL(url);
    const body = await readBody(context.req.raw, maxBytesOf(pathname));
    context.set("body", body);
    context.set(
      "identity",
      await identify({ method, path: `${pathname}${search}`, body }, (name) => headers.get(name)),
    );
    await next();
  };

  async function identify(
    parts: Parameters<typeof verifyRequest>[1],
    header: Parameters<typeof verifyRequest>[2],
  ): Promise<Identity> {
    if (options.secret !== undefined) return verifyRequest(options.secret, parts, header, options.now());
    if (options.trusted !== undefined) return options.trusted;
    throw new UserError(
      "unauthorized",
      "This service has no signing secret, so nobody can be known. Set SIGNING_SECRET.",
    );
  }
}

/** Base64 makes four characters of three bytes. */
const maxPredictionBytes = Math.ceil((limits.maxUploadBytes * 4) / 3) + limits.maxJsonBodyBytes;

function maxBytesOf(pathname: string): number {
  if (pathname === "/uploads") return limits.maxUploadBytes;
  if (pathname.startsWith("/predictions") || pathname === "/invocations") return maxPredictionBytes;
  return limits.maxJsonBodyBytes;
}

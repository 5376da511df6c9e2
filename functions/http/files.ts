import type { Hono } from "hono";
import { routes } from "../../shared/api.ts";
import { StoreKey } from "../../shared/concept.ts";
import type { Identity } from "../../shared/identity.ts";
import type { Store } from "../store/store.ts";
import { type AppEnv, mount } from "./mount.ts";
import { notFound } from "./pictures.ts";

const typeOf: Readonly<Record<string, string>> = { png: "image/png", webp: "image/webp", jpg: "image/jpeg" };

/** Pictures, for whoever may see them. */
export function mountFiles(
  app: Hono<AppEnv>,
  deps: { readonly store: Store; readonly mayRead: (identity: Identity, key: string) => Promise<boolean> },
): void {
  mount(app, routes.readFile, async ({ identity, id: key }) => {
    const type = typeOf[key.slice(key.lastIndexOf(".") + 1)];
    if (type === undefined || !StoreKey.safeParse(key).success || !(await deps.mayRead(identity, key))) {
      throw notFound(key.slice(0, 200));
    }
    const found = await deps.store.get(key);
    if (found === undefined) throw notFound(key);
    return new Response(new Uint8Array(found.data), {
      headers: {
        "content-type": type,
        "cache-control": "private, no-cache",
        "content-security-policy": "default-src 'none'",
        "x-content-type-options": "nosniff",
      },
    });
  });
}

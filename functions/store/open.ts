import { fileURLToPath } from "node:url";
import { UserError } from "../../shared/error.ts";
import { openFileStore } from "./file.ts";
import type { Store } from "./store.ts";

/** Backends by URL scheme: one line each. */
const backends: Readonly<Record<string, (url: string) => Promise<Store>>> = {
  file: (url) => openFileStore(url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length)),
};

/** Opens the store that a URL names: `file:data` (relative to the working folder), `file:///var/eponym`.
 * @throws UserError bad_config that lists the schemes there are */
export async function openStore(url: string): Promise<Store> {
  const scheme = /^([a-z0-9]+):./.exec(url)?.[1] ?? "";
  const open = Object.hasOwn(backends, scheme) ? backends[scheme] : undefined;
  if (open === undefined) {
    const known = Object.keys(backends).map((name) => `${name}:`);
    throw new UserError(
      "bad_config",
      `${JSON.stringify(url)} is not a store: expected ${known.join(" or ")}… as in file:data`,
    );
  }
  return open(url);
}

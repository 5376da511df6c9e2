import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { StoreKey } from "../../shared/concept.ts";

/** Keys of objects (folders named <key>@) under `objects`, beginning with `prefix` and greater than `after`, in the order of
 * their bytes. Reads only the folders that can hold such keys. */
export async function* walk(objects: string, prefix: string, after: string, path = ""): AsyncGenerator<StoreKey> {
  const names = await readdir(join(objects, path)).catch((error: NodeJS.ErrnoException) => {
    // Removed since its parent was read.
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
  // As in keys, a folder sorts as its name with the slash: "a" < "a-b" < "a/b".
  const branches = names.map((name) => (name.endsWith("@") ? path + name.slice(0, -1) : `${path}${name}/`));
  for (const branch of branches.sort((a, b) => (a < b ? -1 : 1))) {
    if (!branch.endsWith("/")) {
      if (branch.startsWith(prefix) && branch > after) yield branch;
    } else if (
      (branch.startsWith(prefix) || prefix.startsWith(branch)) &&
      (branch > after || after.startsWith(branch))
    ) {
      yield* walk(objects, prefix, after, branch);
    }
  }
}

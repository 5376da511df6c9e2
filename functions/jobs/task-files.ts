import { UserError } from "../../shared/error.ts";
import type { Store } from "../store/store.ts";
import type { TaskFiles } from "./runner.ts";

/** Files of one job or draft: reads any key, writes under `folder` alone. */
export function createTaskFiles(store: Store, folder: string): TaskFiles {
  return {
    async read(key) {
      const found = await store.get(key);
      if (found !== undefined) return found.data;
      throw new UserError("not_found", `The file ${key} is gone: pictures are kept for a few days. Upload it again.`);
    },
    async write(name, bytes) {
      const key = `${folder}/${name}`;
      await store.put(key, bytes);
      return key;
    },
  };
}

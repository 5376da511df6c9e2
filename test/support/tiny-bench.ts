import type { Store } from "../../functions/store/store.ts";
import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import { tinySdFolder } from "./tiny-sd.ts";

/** Everything that tasks need, on the random checkpoint in the SD 1.x layout: nothing is fetched. */
export const openTinyBench = (store: Store) =>
  openWorkbench({
    ...{ model: tinySdFolder, preset: "lean", providers: ["cpu"], threads: 1 },
    ...{ hub: { endpoint: "http://127.0.0.1:9" }, store },
  });

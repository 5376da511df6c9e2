import { listSupportedBackends } from "onnxruntime-node";
import { UserError } from "../../shared/error.ts";
import type { Provider } from "./engine.ts";

/** @throws UserError bad_config when one of the wanted execution providers is not part of this installation. */
export function assertProviders(wanted: readonly Provider[]): void {
  const bundled = new Set(listSupportedBackends().flatMap((backend) => (backend.bundled ? [backend.name] : [])));
  const missing = wanted.filter((name) => name !== "cpu" && !bundled.has(name));
  if (missing.length === 0) return;
  throw new UserError(
    "bad_config",
    `Provider "${missing.join(", ")}" was asked for, but this onnxruntime-node has only: ${[...bundled].join(", ")}. ` +
      "With CUDA 12 and cuDNN 9 in place run `ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js`, or set PROVIDERS=cpu.",
  );
}

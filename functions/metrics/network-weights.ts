import { UserError } from "../../shared/error.ts";
import { type WeightValue, weight } from "../graph/value.ts";
import { readHeader, readTensor } from "../tensor/safetensors.ts";
import type { Shape, Tensor } from "../tensor/tensor.ts";

/** The weights of a judging network: one safetensors file whose keys are those of the PyTorch original. Widths are read
 * from it, never assumed. */
export interface NetworkWeights {
  /** Stays on disk. @throws UserError bad_config when the key is missing or has other dimensions; −1 fits any */
  weight(key: string, shape: Shape): WeightValue;
  /** Read into memory. @throws UserError bad_safetensors when the key is missing */
  read(key: string): Tensor;
}

/** @throws UserError not_found, bad_safetensors */
export function openWeights(path: string): NetworkWeights {
  const file = readHeader(path);
  return {
    read: (key) => readTensor(file, key),
    weight: (key, shape) => {
      const entry = file.tensors.get(key);
      if (!entry) {
        throw new UserError(
          "bad_config",
          `${path} has no weight "${key}". Was it written by the script for this network?`,
        );
      }
      const fits = entry.shape.length === shape.length && shape.every((dim, i) => dim === -1 || dim === entry.shape[i]);
      if (!fits) {
        const wanted = shape.map((dim) => (dim === -1 ? "any" : dim));
        throw new UserError("bad_config", `${path}: weight "${key}" has shape [${entry.shape}]; expected [${wanted}].`);
      }
      const { dtype, offset, length } = entry;
      if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
        throw new UserError("bad_config", `${path}: weight "${key}" is stored as ${dtype}; expected F32, F16 or BF16.`);
      }
      return weight(key, entry.shape, { file: file.path, offset, length, storage: dtype });
    },
  };
}

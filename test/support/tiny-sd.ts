import { fileURLToPath } from "node:url";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";

const at = (path: string): string => fileURLToPath(new URL(`../golden/tiny-sd/${path}`, import.meta.url));

/** A random checkpoint in the SD 1.x layout (made by test/golden/tiny-sd.py). */
export const tinySdFolder = at("model");

/** What PyTorch computed with it. */
export const tinySdGolden = (name: string): Tensor => readTensor(readHeader(at("golden.safetensors")), name);

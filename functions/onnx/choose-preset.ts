import type { Preset } from "./engine.ts";

/** `speed` repacks weights for the kernels and keeps copies for the backward pass: about three times their f32 size at
 * peak (8–12 GB were seen for the 3.4 GB of Stable Diffusion 1.x). Below that, `lean`.
 * @param weightBytes size of the weight files; half-precision files count double once widened */
export function choosePreset(weightBytes: number, freeBytes: number): Preset {
  const widened = 2 * weightBytes;
  return freeBytes > 3 * widened + 2 ** 30 ? "speed" : "lean";
}

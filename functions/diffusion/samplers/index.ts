import type { SamplerName } from "../../../shared/job.ts";
import { ddim } from "./ddim.ts";
import { dpmpp2m, dpmpp2mKarras } from "./dpmpp-2m.ts";
import { euler, eulerKarras } from "./euler.ts";
import { pndm } from "./pndm.ts";
import { pndmPrk } from "./pndm-prk.ts";
import type { Sampler } from "./sampler.ts";

/** Every sampler by the name people type. */
export const samplers = {
  ddim,
  euler,
  "euler-karras": eulerKarras,
  "dpmpp-2m": dpmpp2m,
  "dpmpp-2m-karras": dpmpp2mKarras,
  pndm,
  "pndm-prk": pndmPrk,
} as const satisfies Record<SamplerName, Sampler>;

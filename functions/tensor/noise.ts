import { createHash } from "node:crypto";
import { normalQuantile } from "./normal-quantile.ts";
import { philox, type Words4 } from "./philox.ts";
import { type Shape, sizeOf, type Tensor, tensor } from "./tensor.ts";

/** Where a draw comes from. Draws with another seed, another stream or another function never share random words;
 * the same source always yields the same numbers, and a longer draw starts with the shorter one. */
export interface NoiseSource {
  /** Integer 0…2⁵³−1. */
  readonly seed: number;
  /** Names the purpose, e.g. `["learn", step, "noise"]`; a lone name is a path of one. 1 and "1" are different. */
  readonly stream: string | number | readonly (string | number)[];
}

/** Gives the 32-bit words of the source, from the first on. Key and upper counter half are 128 bits of a SHA-256 over the
 * whole path, so two streams overlap only if those bits collide; the lower counter half counts blocks of four words. */
function words(kind: string, { seed, stream }: NoiseSource): () => number {
  const path = Array.isArray(stream) ? stream : [stream];
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`noise: seed must be an integer 0…2^53−1, got ${seed}`);
  for (const part of path) {
    if (typeof part === "number" && !Number.isFinite(part)) throw new Error(`noise: stream holds ${part}`);
  }
  const digest = createHash("sha256")
    .update(JSON.stringify([kind, seed, path]))
    .digest();
  const key = [digest.readUInt32LE(0), digest.readUInt32LE(4)] as const;
  const upper = [digest.readUInt32LE(8), digest.readUInt32LE(12)] as const;
  let [given, block]: [number, Words4] = [0, [0, 0, 0, 0]];
  return () => {
    const [i, at] = [given % 4, Math.floor(given / 4)];
    if (i === 0) block = philox([at >>> 0, Math.floor(at / 2 ** 32), ...upper], key);
    given++;
    return block[i] as number;
  };
}

function drawNormal(count: number, source: NoiseSource): Float32Array {
  const next = words("normal", source);
  const drawn = new Float32Array(count);
  // The half keeps p inside (0, 1) and symmetric; the largest value is 6.3.
  for (let i = 0; i < count; i++) drawn[i] = normalQuantile((next() + 0.5) / 2 ** 32);
  return drawn;
}

/** Independent standard normal values, f32, the same bit for bit on every machine; |z| < 6.4. */
export const normal = (shape: Shape, source: NoiseSource): Tensor => tensor(drawNormal(sizeOf(shape), source), shape);

function fractions(kind: string, source: NoiseSource): () => number {
  const next = words(kind, source);
  return () => {
    const high = next() >>> 5;
    const low = next() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  };
}

/** Independent values in [0, 1), multiples of 2⁻⁵³. */
export function uniform(count: number, source: NoiseSource): Float64Array {
  return Float64Array.from({ length: count }, fractions("uniform", source));
}

/** Independent integers 0…below−1, below ≤ 2³²; each is likelier than another by at most 2⁻⁵³. */
export function integers(count: number, below: number, source: NoiseSource): number[] {
  if (!Number.isSafeInteger(below) || below < 1 || below > 2 ** 32) {
    throw new Error(`integers: below must be an integer 1…2^32, got ${below}`);
  }
  const next = fractions("integers", source);
  return Array.from({ length: count }, () => Math.floor(next() * below));
}

import { type Tensor, tensor } from "../tensor/tensor.ts";
import { lengthOf, unit } from "./direction.ts";

/** Rows part of the way from where a concept began to what it learned: fidelity against editability, at no cost. Directions go
 * along the great circle (slerp, Shoemake 1985; Directional Textual Inversion interpolates concepts so), norms geometrically.
 * @param initial, learned f32 [n, D] @param strength 0 gives `initial`, 1 `learned`, beyond goes on along the circle */
export function slideRows(initial: Tensor, learned: Tensor, strength: number): Tensor {
  if (strength === 0) return initial;
  if (strength === 1) return learned;
  const [count, width] = learned.shape as [number, number];
  const data = new Float32Array(learned.data.length);
  for (let row = 0; row < count; row++) {
    const range = [row * width, (row + 1) * width] as const;
    data.set(slideRow(initial.data.subarray(...range), learned.data.subarray(...range), strength), range[0]);
  }
  return tensor(data, learned.shape);
}

function slideRow(from: Float32Array, to: Float32Array, s: number): Float64Array {
  const [fromLength, toLength] = [lengthOf(from), lengthOf(to)];
  const [a, b] = [unit(from), unit(to)];
  const length = fromLength ** (1 - s) * toLength ** s;
  // Half the angle from chord and sum: exact for nearly equal directions, where the inverse cosine is not.
  const chord = lengthOf(b.map((x, i) => x - (a[i] as number)));
  const sum = lengthOf(b.map((x, i) => x + (a[i] as number)));
  const angle = 2 * Math.atan2(chord, sum);
  const sine = Math.sin(angle);
  // Equal, opposite or missing directions have no one great circle: the straight line, at its own length.
  if (sine < 1e-7 || fromLength === 0 || toLength === 0) {
    return Float64Array.from(to, (x, i) => (1 - s) * (from[i] as number) + s * x);
  }
  const [fromShare, toShare] = [Math.sin((1 - s) * angle) / sine, Math.sin(s * angle) / sine];
  return a.map((x, i) => length * (fromShare * x + toShare * (b[i] as number)));
}

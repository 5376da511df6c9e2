import { type Tensor, tensor } from "../tensor/tensor.ts";

/** Rows beyond which everything is forgotten and read anew: 12 MB at width 768. */
const mostRows = 4_096;

/** Reads each row of a matrix once: learning asks for the same few words at every step. `read` gives f32 [ids.length, width]. */
export function rememberRows(
  read: (ids: readonly number[]) => Tensor,
  width: number,
): (ids: readonly number[]) => Tensor {
  const rows = new Map<number, Float32Array>();
  return (ids) => {
    if (rows.size > mostRows) rows.clear();
    const missing = [...new Set(ids)].filter((id) => !rows.has(id));
    if (missing.length > 0) {
      const { data } = read(missing);
      for (const [i, id] of missing.entries()) rows.set(id, data.slice(i * width, (i + 1) * width));
    }
    const data = new Float32Array(ids.length * width);
    for (const [i, id] of ids.entries()) data.set(rows.get(id) as Float32Array, i * width);
    return tensor(data, [ids.length, width]);
  };
}

import type { Mask } from "./mask.ts";

/** Connected pixels (four neighbours) of a mask that are all inside it, or all outside. */
export interface Area {
  readonly inside: boolean;
  /** Pixels. */
  readonly size: number;
  /** Whether it reaches the edge of the picture. */
  readonly atEdge: boolean;
}

export interface Areas {
  readonly areas: readonly Area[];
  /** For each pixel, the number of its area. */
  readonly areaOf: Int32Array;
}

/** All areas of a mask, in the order of their first pixels. */
export function areasOf({ width, height, data }: Mask): Areas {
  const areaOf = new Int32Array(data.length).fill(-1);
  const areas: Area[] = [];
  const stack = new Int32Array(data.length);
  for (let first = 0; first < data.length; first++) {
    if (areaOf[first] !== -1) continue;
    const value = data[first];
    let [size, atEdge, depth] = [0, false, 0];
    const reach = (i: number): void => {
      if (areaOf[i] !== -1 || data[i] !== value) return;
      areaOf[i] = areas.length;
      stack[depth++] = i;
    };
    reach(first);
    while (depth > 0) {
      const i = stack[--depth] as number;
      const [x, y] = [i % width, Math.floor(i / width)];
      size++;
      atEdge ||= x === 0 || y === 0 || x === width - 1 || y === height - 1;
      if (x > 0) reach(i - 1);
      if (x < width - 1) reach(i + 1);
      if (y > 0) reach(i - width);
      if (y < height - 1) reach(i + width);
    }
    areas.push({ inside: value === 1, size, atEdge });
  }
  return { areas, areaOf };
}

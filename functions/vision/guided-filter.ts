/** How the filter follows the picture. */
export interface GuidedFilterOptions {
  /** Cells: windows are squares of 2 · radius + 1. */
  readonly radius: number;
  /** Variance, of colours in [0, 1], under which a window counts as flat. */
  readonly epsilon: number;
}

/** Planes by rows: what red, green and blue of a pixel are multiplied with, and what is added. */
export type Affine = readonly [red: Float64Array, green: Float64Array, blue: Float64Array, added: Float64Array];

/** Guided filter with a colour guide (He, Sun & Tang 2013, sec. 3.5). Takes the guide, `width` × `height` colours in [0, 1],
 * three a cell; gives a function from values of that size to the affine map of colours that is nearest to them around each
 * cell. The map, enlarged and applied to the colours of a larger picture, is the fast guided filter (He & Sun 2015): values
 * that end where the picture's colours do. */
export function guidedFilter(
  guide: Float64Array,
  width: number,
  height: number,
  { radius, epsilon }: GuidedFilterOptions,
): (values: Float64Array) => Affine {
  const mean = (plane: Float64Array) => windowMeans(plane, width, height, radius);
  const product = (a: Float64Array, b: Float64Array) => a.map((value, i) => value * (b[i] as number));
  const colours = [0, 1, 2].map((c) => Float64Array.from({ length: width * height }, (_, i) => guide[i * 3 + c] ?? 0));
  const [red, green, blue] = colours as [Float64Array, Float64Array, Float64Array];
  const [mr, mg, mb] = [mean(red), mean(green), mean(blue)];
  const covariance = (a: Float64Array, b: Float64Array, ma: Float64Array, mb: Float64Array) =>
    mean(product(a, b)).map((value, i) => value - (ma[i] as number) * (mb[i] as number));
  const [rr, rg, rb] = [covariance(red, red, mr, mr), covariance(red, green, mr, mg), covariance(red, blue, mr, mb)];
  const [gg, gb, bb] = [
    covariance(green, green, mg, mg),
    covariance(green, blue, mg, mb),
    covariance(blue, blue, mb, mb),
  ];
  return (values) => {
    const mv = mean(values);
    const [cr, cg, cb] = [
      covariance(red, values, mr, mv),
      covariance(green, values, mg, mv),
      covariance(blue, values, mb, mv),
    ];
    const at = (plane: Float64Array, i: number) => plane[i] as number;
    const slopes = Array.from(mv.keys(), (i) =>
      solveSymmetric(
        [at(rr, i) + epsilon, at(rg, i), at(rb, i), at(gg, i) + epsilon, at(gb, i), at(bb, i) + epsilon],
        [at(cr, i), at(cg, i), at(cb, i)],
      ),
    );
    const slope = (c: 0 | 1 | 2) => Float64Array.from(slopes, (three) => three[c]);
    const [ar, ag, ab] = [slope(0), slope(1), slope(2)];
    const added = mv.map((v, i) => v - at(ar, i) * at(mr, i) - at(ag, i) * at(mg, i) - at(ab, i) * at(mb, i));
    return [mean(ar), mean(ag), mean(ab), mean(added)];
  };
}

type Three = readonly [number, number, number];

/** x of A · x = v for a positive definite A, given by its upper triangle. */
function solveSymmetric(
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
  [x, y, z]: Three,
): Three {
  const [p, q, r] = [d * f - e * e, c * e - b * f, b * e - c * d];
  const [s, t, u] = [a * f - c * c, b * c - a * e, a * d - b * b];
  const determinant = a * p + b * q + c * r;
  return [
    (p * x + q * y + r * z) / determinant,
    (q * x + s * y + t * z) / determinant,
    (r * x + t * y + u * z) / determinant,
  ];
}

/** Mean over the square window around each cell, cut off at the edges. */
function windowMeans(plane: Float64Array, width: number, height: number, radius: number): Float64Array {
  const across = slide(plane, width, height, 1, width, radius);
  return slide(across, height, width, width, 1, radius);
}

/** Sliding means along one axis: `count` cells `step` apart, in each of `lines` lines `stride` apart. */
function slide(plane: Float64Array, count: number, lines: number, step: number, stride: number, radius: number) {
  const means = new Float64Array(plane.length);
  for (let line = 0; line < lines; line++) {
    const at = (i: number): number => plane[line * stride + i * step] as number;
    let sum = 0;
    for (let i = 0; i < Math.min(radius, count); i++) sum += at(i);
    for (let i = 0; i < count; i++) {
      if (i + radius < count) sum += at(i + radius);
      if (i - radius > 0) sum -= at(i - radius - 1);
      means[line * stride + i * step] = sum / (Math.min(count - 1, i + radius) - Math.max(0, i - radius) + 1);
    }
  }
  return means;
}

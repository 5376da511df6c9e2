/** Dimensions, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

interface Arrays {
  f32: Float32Array;
  i64: BigInt64Array;
  bool: Uint8Array;
}

export type DType = keyof Arrays;

/** A dense row-major array. Plain data: it survives structured cloning between processes unchanged. */
export interface Tensor<D extends DType = "f32"> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly data: Arrays[D];
}

/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, dim) => product * dim, 1);

/** Wraps f32 data. @throws Error when the data does not fill the shape exactly. */
export function tensor(data: Float32Array, shape: Shape): Tensor {
  if (data.length !== sizeOf(shape)) {
    throw new Error(`tensor: shape [${shape}] needs ${sizeOf(shape)} values, got ${data.length}`);
  }
  return { dtype: "f32", shape, data };
}

/** An f32 tensor of zeros. */
export const zeros = (shape: Shape): Tensor => tensor(new Float32Array(sizeOf(shape)), shape);

import type { Emitter, OnnxValue } from "./emitter.ts";
import { FusedMatMul, MatMul, Reshape, Tile, Transpose } from "./primitives.ts";

/** 3×3 convolution with stride 1 and padding 1 by Winograd's F(2×2, 3×3) (Lavin & Gray 2016, sec. 4.1): with tiles d of
 * 4×4 inputs and kernels g, the 2×2 outputs are Aᵀ[(G g Gᵀ) ∘ (Bᵀ d B)]A, 16 products for a pair of channels where
 * the definition takes 36. The sum over channels becomes 16 matrix products. */
const inputTransform = [
  [1, 0, -1, 0],
  [0, 1, 1, 0],
  [0, -1, 1, 0],
  [0, 1, 0, -1],
];
const kernelTransform = [
  [1, 0, 0],
  [0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5],
  [0, 0, 1],
];
const outputTransform = [
  [1, 1, 1, 0],
  [0, 1, -1, -1],
];

/** Mirroring a kernel exchanges the first and last point of its transform and leaves the middle ones. */
const mirroredPoints = [3, 1, 2, 0];

export interface WinogradOptions {
  /** The gradient in the input instead: a convolution with the kernels mirrored and their channels exchanged. Both
   * directions read one transformed copy of the weights, made when the session loads, 16/9 of their size. */
  readonly adjoint: boolean;
}

/** Whether it pays for x [B, C, H, W] and a kernel w [O, C, 3, 3], as measured: whole tiles, 8×8 pixels, 256 channels (with
 * 48–144 the transforms cost more than they save), and transformed tiles (16 values where x has 4) of at most 128 MB. */
export function suitsWinograd(x: OnnxValue, w: OnnxValue): boolean {
  const [batch, , height, width] = x.shape as [number, number, number, number];
  const [outputs, inputs, kernel] = w.shape as [number, number, number];
  const tiles = (batch * height * width) / 4;
  const whole = height % 2 === 0 && width % 2 === 0;
  const large = Math.min(outputs, inputs) >= 256 && height * width >= 64;
  return kernel === 3 && whole && large && 16 * Math.max(outputs, inputs) * tiles <= maxTransformedElements;
}

const maxTransformedElements = 32_000_000;

/** x [B, C, H, W], w [O, C, 3, 3] → [B, O, H, W]; adjoint: x [B, O, H, W] → [B, C, H, W]. */
export function winograd(e: Emitter, x: OnnxValue, w: OnnxValue, { adjoint }: WinogradOptions): OnnxValue {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [h, v] = [height / 2, width / 2];
  const points = adjoint ? mirroredPoints : [0, 1, 2, 3];
  const transformed = e.emit("Conv", [x, tileKernels(e, channels, points)], [batch, 16 * channels, h, v], {
    attributes: { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1], group: channels },
  });
  const tiles = Reshape(e, Transpose(e, Reshape(e, transformed, [batch, channels, 16, h * v]), [2, 1, 0, 3]), [
    16,
    channels,
    batch * h * v,
  ]);
  const products = FusedMatMul(e, transformedWeights(e, w), tiles, { transA: adjoint });
  const outputs = products.shape[1] as number;
  const gathered = MatMul(e, pairs(e, outputTransform, points), Reshape(e, products, [16, outputs * batch * h * v]));
  const perPicture = Transpose(e, Reshape(e, gathered, [4, outputs, batch, h * v]), [2, 0, 1, 3]);
  return e.emit("DepthToSpace", [Reshape(e, perPicture, [batch, 4 * outputs, h, v])], [batch, outputs, height, width], {
    attributes: { blocksize: 2, mode: "DCR" },
  });
}

/** The two-dimensional transform, each row of one factor with each row of the other: [rows², columns²]. */
function pairs(e: Emitter, rows: readonly (readonly number[])[], order?: readonly number[]): OnnxValue {
  const columns = order ?? (rows[0] as readonly number[]).map((_, i) => i);
  const at = (row: readonly number[], column: number): number => row[column] as number;
  const data = rows.flatMap((a) =>
    rows.flatMap((b) => columns.flatMap((i) => columns.map((j) => at(a, i) * at(b, j)))),
  );
  return e.f32(Float32Array.from(data), [rows.length ** 2, columns.length ** 2]);
}

/** Bᵀ d B of every channel on its own, as the kernels of a convolution with C groups: [16 C, 1, 4, 4]. */
function tileKernels(e: Emitter, channels: number, points: readonly number[]): OnnxValue {
  return e.once(`winograd tiles ${channels} ${points}`, () => {
    const rows = points.map((point) => inputTransform[point] as readonly number[]);
    return Tile(e, Reshape(e, pairs(e, rows), [16, 1, 4, 4]), [channels, 1, 1, 1]);
  });
}

/** G g Gᵀ of every kernel: [16, O, C]; constant, so the runtime computes it once. */
function transformedWeights(e: Emitter, w: OnnxValue): OnnxValue {
  return e.once(`winograd weights ${w.name}`, () => {
    const [outputs, inputs] = w.shape as [number, number];
    const kernels = Transpose(e, Reshape(e, w, [outputs * inputs, 9]), [1, 0]);
    return Reshape(e, MatMul(e, pairs(e, kernelTransform), kernels), [16, outputs, inputs]);
  });
}

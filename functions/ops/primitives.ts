/** ONNX operators with their shape arithmetic; exported names are ONNX op names. Lowerings are written in these. */
import type { Shape } from "../tensor/tensor.ts";
import { broadcastShape } from "./broadcast.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";

type Binary = (e: Emitter, a: OnnxValue, b: OnnxValue) => OnnxValue;
type Unary = (e: Emitter, x: OnnxValue) => OnnxValue;

const binary =
  (op: string): Binary =>
  (e, a, b) =>
    e.emit(op, [a, b], broadcastShape(a.shape, b.shape));

const unary =
  (op: string): Unary =>
  (e, x) =>
    e.emit(op, [x], x.shape);

export const Add = binary("Add");
export const Sub = binary("Sub");
export const Mul = binary("Mul");
export const Sigmoid = unary("Sigmoid");
export const Exp = unary("Exp");
export const Erf = unary("Erf");
export const Neg = unary("Neg");

/** Of a reshaped value it is the original that is reshaped, so that chains of layouts leave no node behind. */
export function Reshape(e: Emitter, x: OnnxValue, shape: Shape): OnnxValue {
  const source = reshaped.get(x) ?? x;
  const same = shape.length === source.shape.length && shape.every((dim, i) => dim === source.shape[i]);
  if (same) return source;
  const result = e.emit("Reshape", [source, e.i64(shape)], shape);
  reshaped.set(result, source);
  return result;
}

const reshaped = new WeakMap<OnnxValue, OnnxValue>();

export const Transpose = (e: Emitter, x: OnnxValue, perm: readonly number[]): OnnxValue =>
  e.emit(
    "Transpose",
    [x],
    perm.map((axis) => x.shape[axis] as number),
    { attributes: { perm } },
  );

/** Repeats the whole of x along each axis. */
export const Tile = (e: Emitter, x: OnnxValue, times: readonly number[]): OnnxValue =>
  e.emit(
    "Tile",
    [x, e.i64(times)],
    x.shape.map((dim, i) => dim * (times[i] as number)),
  );

export const Concat = (e: Emitter, xs: readonly OnnxValue[], axis: number): OnnxValue => {
  const [first] = xs as [OnnxValue];
  if (xs.length === 1) return first;
  const total = xs.reduce((sum, x) => sum + (x.shape[axis] as number), 0);
  return e.emit("Concat", xs, first.shape.with(axis, total), { attributes: { axis } });
};

export const Slice = (e: Emitter, x: OnnxValue, axis: number, start: number, end: number): OnnxValue =>
  start === 0 && end === x.shape[axis]
    ? x
    : e.emit("Slice", [x, e.i64([start]), e.i64([end]), e.i64([axis])], x.shape.with(axis, end - start));

const reduce =
  (op: string) =>
  (e: Emitter, x: OnnxValue, axes: readonly number[]): OnnxValue =>
    e.emit(
      op,
      [x, e.i64(axes)],
      x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim)),
      { attributes: { keepdims: 1 } },
    );

export const ReduceMean = reduce("ReduceMean");
export const ReduceSum = reduce("ReduceSum");

export const Softmax = (e: Emitter, x: OnnxValue): OnnxValue =>
  e.emit("Softmax", [x], x.shape, { attributes: { axis: -1 } });

export const MatMul = (e: Emitter, a: OnnxValue, b: OnnxValue): OnnxValue =>
  e.emit(
    "MatMul",
    [a, b],
    [
      ...(a.shape.length >= b.shape.length ? a.shape : b.shape).slice(0, -2),
      a.shape.at(-2) as number,
      b.shape.at(-1) as number,
    ],
  );

/** a Wᵀ + b for a: [M, K], w: [N, K]. One initialiser serves forward (here) and backward (MatMul). */
export const Gemm = (e: Emitter, a: OnnxValue, w: OnnxValue, bias: OnnxValue | null): OnnxValue =>
  e.emit("Gemm", [a, w, bias], [a.shape[0] as number, w.shape[0] as number], { attributes: { transB: 1 } });

export interface ConvAttributes {
  readonly kernel: number;
  readonly stride: number;
  /** [top, left, bottom, right] */
  readonly pads: readonly number[];
}

export function Conv(e: Emitter, x: OnnxValue, w: OnnxValue, bias: OnnxValue | null, a: ConvAttributes): OnnxValue {
  const [batch, , height, width] = x.shape as [number, number, number, number];
  const [top, left, bottom, right] = a.pads as [number, number, number, number];
  const out = (size: number, padding: number): number => Math.floor((size + padding - a.kernel) / a.stride) + 1;
  return e.emit(
    "Conv",
    bias ? [x, w, bias] : [x, w],
    [batch, w.shape[0] as number, out(height, top + bottom), out(width, left + right)],
    { attributes: { kernel_shape: [a.kernel, a.kernel], strides: [a.stride, a.stride], pads: a.pads } },
  );
}

/** LayerNormalization over the last axis, with its statistics: y, mean, 1/std. */
export function LayerNormalization(
  e: Emitter,
  x: OnnxValue,
  scale: OnnxValue,
  bias: OnnxValue | null,
  epsilon: number,
): { readonly y: OnnxValue; readonly mean: OnnxValue; readonly inverseStd: OnnxValue } {
  const statistics = x.shape.with(-1, 1);
  const [y, mean, inverseStd] = e.emitMany("LayerNormalization", [x, scale, bias], [x.shape, statistics, statistics], {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  }) as [OnnxValue, OnnxValue, OnnxValue];
  return { y, mean, inverseStd };
}

/** Contributed FusedMatMul: alpha · op(a) op(b), transposing the last two axes without a copy. */
export function FusedMatMul(
  e: Emitter,
  a: OnnxValue,
  b: OnnxValue,
  o: { readonly transA?: boolean; readonly transB?: boolean; readonly alpha?: number },
): OnnxValue {
  const rows = o.transA ? a.shape.at(-1) : a.shape.at(-2);
  const columns = o.transB ? b.shape.at(-2) : b.shape.at(-1);
  return e.emit("FusedMatMul", [a, b], [...a.shape.slice(0, -2), rows as number, columns as number], {
    domain: "com.microsoft",
    attributes: { transA: o.transA ? 1 : 0, transB: o.transB ? 1 : 0, alpha: { float: o.alpha ?? 1 } },
  });
}

/** Mean of each 2×2 block. */
export const AveragePool2 = (e: Emitter, x: OnnxValue): OnnxValue => {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return e.emit("AveragePool", [x], [batch, channels, height / 2, width / 2], {
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  });
};

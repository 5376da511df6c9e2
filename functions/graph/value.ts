import { type DType, type Shape, sizeOf } from "../tensor/tensor.ts";

/** Anything a graph computes with: plain readonly data, static shapes, no cycles by construction. */
export type Value = InputValue | WeightValue | ConstantValue | OpValue;

interface Base {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Fed at every run. */
export interface InputValue extends Base {
  readonly kind: "input";
  readonly name: string;
}

/** A frozen parameter that stays in its `.safetensors` file; never differentiated. */
export interface WeightValue extends Base {
  readonly kind: "weight";
  /** Unique in a graph, e.g. `unet/conv_in.weight`. */
  readonly name: string;
  readonly location: WeightLocation;
}

/** Where the bytes of a weight lie. */
export interface WeightLocation {
  /** Absolute real path. */
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly storage: "F32" | "F16" | "BF16";
}

/** A small literal. */
export interface ConstantValue extends Base {
  readonly kind: "constant";
  readonly data: Float32Array;
}

/** The result of a semantic op; the op's rule lives in ops/. */
export interface OpValue extends Base {
  readonly kind: "op";
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  /** For people: the weight it reads (`unet/conv_in`) or the op's name. */
  readonly label: string;
}

export type Attributes = Readonly<Record<string, number | boolean | string | Shape>>;

/** f32 unless said otherwise. */
export const input = (name: string, shape: Shape): InputValue => ({ kind: "input", name, shape, dtype: "f32" });

export const weight = (name: string, shape: Shape, location: WeightLocation): WeightValue => ({
  kind: "weight",
  name,
  shape,
  dtype: "f32",
  location,
});

/** The same bytes as a matrix, [O, I, 1, 1] → [O, I]. */
export const asMatrix = (value: WeightValue): WeightValue => ({ ...value, shape: value.shape.slice(0, 2) });

/** A literal from data, or one number repeated over the shape. */
export function constant(data: Float32Array | number, shape: Shape = []): ConstantValue {
  const filled = typeof data === "number" ? new Float32Array(sizeOf(shape)).fill(data) : data;
  return { kind: "constant", shape, dtype: "f32", data: filled };
}

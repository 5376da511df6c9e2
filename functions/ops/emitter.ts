import type { Shape } from "../tensor/tensor.ts";

/** One edge of the ONNX graph being written. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: Shape;
}

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** `com.microsoft` for contributed ops; standard `ai.onnx` otherwise. */
  readonly domain?: "com.microsoft";
}

/** What lowerings write to. */
export interface Emitter {
  /** `lean` recomputes and avoids second copies of weights; `speed` does not. */
  readonly preset: "speed" | "lean";
  /** Adds a node with one output. `null` leaves an optional input out. */
  emit(op: string, inputs: readonly (OnnxValue | null)[], shape: Shape, options?: EmitOptions): OnnxValue;
  /** Adds a node with several outputs. */
  emitMany(
    op: string,
    inputs: readonly (OnnxValue | null)[],
    shapes: readonly Shape[],
    options?: EmitOptions,
  ): readonly OnnxValue[];
  /** An f32 constant, shared when repeated. A number is repeated over the shape. */
  f32(data: number | Float32Array, shape?: Shape): OnnxValue;
  /** An int64 vector constant, shared when repeated. */
  i64(data: readonly (number | bigint)[]): OnnxValue;
  /** The same object for the same key: forward and backward share statistics and probabilities through it. */
  once<T>(key: string, make: () => T): T;
}

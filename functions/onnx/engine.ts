import type { DType, Shape, Tensor } from "../tensor/tensor.ts";

/** Any tensor that crosses into or out of a session. */
export type AnyTensor = { [D in DType]: Tensor<D> }[DType];

/** One loaded ONNX model in the engine's child process. */
export interface Session {
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  readonly outputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** Runs the model once. @throws UserError engine_failed when the child process died. */
  run(feeds: Readonly<Record<string, AnyTensor>>): Promise<Readonly<Record<string, AnyTensor>>>;
  /** Frees the native session. */
  close(): Promise<void>;
}

/** How a session trades speed for memory (measured in docs of the presets). */
export type Preset = "speed" | "lean";

export type Provider = "cuda" | "cpu";

/** An ONNX model: its bytes, and the folder that external initialiser locations are relative to. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly weightsFolder?: string;
}

/** The child process that owns all native inference. Crashes and lack of memory there are one failed call here. */
export interface Engine {
  readonly preset: Preset;
  readonly providers: readonly Provider[];
  readonly threads: number;
  /** Runs that can go on at the same time, of one session or several; further ones wait. */
  readonly lanes: number;
  load(model: OnnxModel, options?: { readonly label?: string }): Promise<Session>;
  /** Ends the child process and everything loaded in it. */
  close(): Promise<void>;
}

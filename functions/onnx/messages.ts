import type { ErrorCode } from "../../shared/error.ts";
import type { Shape } from "../tensor/tensor.ts";
import type { AnyTensor } from "./engine.ts";
import type { SessionSettings } from "./presets.ts";

/** Parent → engine process. */
export type EngineRequest = { readonly id: number; readonly session: number } & (
  | { readonly kind: "load"; readonly bytes: Uint8Array; readonly settings: SessionSettings }
  | { readonly kind: "run"; readonly feeds: Readonly<Record<string, AnyTensor>> }
  | { readonly kind: "release" }
);

interface Edge {
  readonly name: string;
  readonly shape: Shape;
}

/** Engine process → parent. */
export interface EngineReply {
  readonly id: number;
  readonly result:
    | { readonly kind: "loaded"; readonly inputs: readonly Edge[]; readonly outputs: readonly Edge[] }
    | {
        readonly kind: "ran";
        readonly outputs: Readonly<Record<string, AnyTensor>>;
        readonly peakBytes: number;
        /** Inside the runtime's own call. */
        readonly nativeMs: number;
      }
    | { readonly kind: "released" }
    /** A code marks an error meant for people; without one it is the runtime's own complaint. */
    | { readonly kind: "failed"; readonly message: string; readonly code: ErrorCode | undefined };
}

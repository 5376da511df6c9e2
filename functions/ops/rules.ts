// One line per file of op rules; the compiler and test/ops/rules.test.ts notice a missing one.
export * from "./add.ts";
export * from "./attention.ts";
export * from "./concat.ts";
export * from "./conv.ts";
export * from "./gelu.ts";
export * from "./group-norm.ts";
export * from "./layer-norm.ts";
export * from "./linear.ts";
export * from "./multiply.ts";
export * from "./reshape.ts";
export * from "./resize-nearest.ts";
export * from "./silu.ts";
export * from "./slice.ts";
export * from "./squared-error.ts";
export * from "./sum-to.ts";
export * from "./transpose.ts";

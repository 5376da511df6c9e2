/** Layers as diffusers and transformers name their parameters: `<path>.weight`, `<path>.bias`. */
import { asMatrix, type Value } from "../graph/value.ts";
import { add } from "../ops/add.ts";
import { type ConvOptions, conv } from "../ops/conv.ts";
import { groupNorm } from "../ops/group-norm.ts";
import { layerNorm } from "../ops/layer-norm.ts";
import { linear } from "../ops/linear.ts";
import { reshape } from "../ops/reshape.ts";
import { silu } from "../ops/silu.ts";
import type { Component } from "./component.ts";

export type Weights = Pick<Component<unknown>, "weight" | "has">;

/** Convolution with a square kernel and bias; x: [B, C, H, W]. */
export const convLayer = (
  w: Weights,
  path: string,
  x: Value,
  channels: number,
  kernel: number,
  options: ConvOptions,
): Value =>
  conv(
    x,
    w.weight(`${path}.weight`, [channels, x.shape[1] as number, kernel, kernel]),
    w.weight(`${path}.bias`, [channels]),
    options,
  );

/** 3×3 convolution that keeps height and width. */
export const conv3x3 = (w: Weights, path: string, x: Value, channels: number): Value =>
  convLayer(w, path, x, channels, 3, { pads: [1, 1, 1, 1] });

/** 1×1 convolution. */
export const conv1x1 = (w: Weights, path: string, x: Value, channels: number): Value =>
  convLayer(w, path, x, channels, 1, {});

/** Fully connected layer over the last axis. */
export const linearLayer = (w: Weights, path: string, x: Value, width: number, bias = true): Value =>
  linear(
    x,
    w.weight(`${path}.weight`, [width, x.shape.at(-1) as number]),
    bias ? w.weight(`${path}.bias`, [width]) : undefined,
  );

/** conv1x1 where the pixels are rows already, x [B, H·W, C]: its weight read as a matrix, without a change of layout. */
export const conv1x1OfTokens = (w: Weights, path: string, x: Value, channels: number): Value =>
  linear(
    x,
    asMatrix(w.weight(`${path}.weight`, [channels, x.shape.at(-1) as number, 1, 1])),
    w.weight(`${path}.bias`, [channels]),
  );

/** Layer norm over the last axis with learned scale and shift. */
export function layerNormLayer(w: Weights, path: string, x: Value, epsilon: number): Value {
  const width = x.shape.at(-1) as number;
  return layerNorm(x, w.weight(`${path}.weight`, [width]), w.weight(`${path}.bias`, [width]), epsilon);
}

export interface GroupNormOptions {
  readonly groups: number;
  readonly epsilon: number;
}

/** Group norm of x [B, C, H, W] with learned scale and shift per channel; `groups` divides C. */
export function groupNormLayer(w: Weights, path: string, x: Value, { groups, epsilon }: GroupNormOptions): Value {
  const channels = x.shape[1] as number;
  return groupNorm(x, w.weight(`${path}.weight`, [channels]), w.weight(`${path}.bias`, [channels]), groups, epsilon);
}

/** ResnetBlock2D: norm, SiLU, conv, twice, around a shortcut; `time` [B, E] is added per channel after the first conv. */
export function resnetBlock(
  w: Weights,
  path: string,
  x: Value,
  channels: number,
  norm: GroupNormOptions,
  time?: Value,
): Value {
  let h = conv3x3(w, `${path}.conv1`, silu(groupNormLayer(w, `${path}.norm1`, x, norm)), channels);
  if (time) {
    const shift = linearLayer(w, `${path}.time_emb_proj`, time, channels);
    h = add(h, reshape(shift, [time.shape[0] as number, channels, 1, 1]));
  }
  h = conv3x3(w, `${path}.conv2`, silu(groupNormLayer(w, `${path}.norm2`, h, norm)), channels);
  return add(x.shape[1] === channels ? x : conv1x1(w, `${path}.conv_shortcut`, x, channels), h);
}

import type { Attributes, OpValue, Value } from "../graph/value.ts";
import type { Shape } from "../tensor/tensor.ts";
import type { Emitter, OnnxValue } from "./emitter.ts";
import { Add, Conv, Reshape, Transpose } from "./primitives.ts";
import { apply, expect, frozen, list, number, once, operand, type Rule } from "./rule.ts";
import { suitsWinograd, winograd } from "./winograd.ts";

/** Two-dimensional convolution with square kernels. x: [B, I, H, W], W: [O, I, k, k], b: [O];
 * attributes stride and pads [top, left, bottom, right]. */
export const convRule: Rule = {
  name: "conv",
  arity: { atLeast: 2, atMost: 3 },
  shape: ([x, w, b], attributes) => {
    expect(x.length === 4, `x must be [B, I, H, W], got [${x}]`);
    expect(w.length === 4 && w[2] === w[3], `the weight must be [O, I, k, k], got [${w}]`);
    expect(x[1] === w[1], `x has ${x[1]} channels, the weight wants ${w[1]}`);
    expect(b === undefined || (b.length === 1 && b[0] === w[0]), `the bias must be [${w[0]}], got [${b}]`);
    const [height, width] = outputSize([x[2], x[3]] as never, w[2] as number, attributes);
    return [x[0], w[0], height, width] as Shape;
  },
  gradients: [
    (dy, node) => {
      const x = operand(node, 0).shape;
      return apply(convInputGradientRule, [dy, operand(node, 1)], { ...node.attributes, size: x.slice(2) });
    },
    frozen,
    frozen,
  ],
  lowerings: {
    plain: (e, [x, w, b], node) =>
      Conv(e, x, w, b ?? null, {
        kernel: w.shape[2] as number,
        stride: number(node, "stride"),
        pads: list(node, "pads"),
      }),
    cpu: (e, operands, node) => {
      const [x, w] = operands;
      const b = operands[2] as OnnxValue | undefined;
      if (!isWinograd(e, x, w, node)) return convRule.lowerings.plain(e, operands, node);
      const y = winograd(e, x, w, { adjoint: false });
      return b ? Add(e, y, Reshape(e, b, [1, w.shape[0] as number, 1, 1])) : y;
    },
  },
};

/** The adjoint of conv in x: [B, O, h, w] → [B, I, H, W]; attribute size = [H, W]. */
export const convInputGradientRule: Rule = {
  name: "convInputGradient",
  arity: 2,
  shape: ([dy, w], attributes) => {
    const [height, width] = list({ attributes }, "size") as [number, number];
    expect(dy[1] === w[0], `dy has ${dy[1]} channels, the weight gives ${w[0]}`);
    const expected = outputSize([height, width], w[2] as number, attributes);
    expect(dy[2] === expected[0] && dy[3] === expected[1], `dy must be [.., ${expected}], got [${dy}]`);
    return [dy[0], w[1], height, width] as Shape;
  },
  gradients: [once, frozen],
  lowerings: {
    plain: (e, [dy, w], node) => convTranspose(e, dy, w, node),
    cpu: (e, [dy, w], node) => {
      if (isWinograd(e, dy, w, node)) return winograd(e, dy, w, { adjoint: true });
      const kernel = w.shape[2] as number;
      const [, , height] = node.shape as [number, number, number, number];
      // Measured: MLAS convolutions beat col2im from 16 rows up, and below where layers are narrow; at stride 2
      // ConvTranspose wins. The flipped copy of the weights is folded at load and costs their size once more, so `lean`
      // does without.
      const suits = height >= 16 || kernel === 1 || Math.max(...w.shape) <= 512;
      const direct = e.preset === "speed" && number(node, "stride") === 1 && suits;
      return direct ? convFlipped(e, dy, w, node) : convTranspose(e, dy, w, node);
    },
  },
};

export interface ConvOptions {
  readonly stride?: number;
  /** [top, left, bottom, right]; zero when absent. */
  readonly pads?: readonly number[];
}

export const conv = (x: Value, weight: Value, bias: Value | undefined, options: ConvOptions = {}): Value =>
  apply(convRule, bias ? [x, weight, bias] : [x, weight], {
    stride: options.stride ?? 1,
    pads: options.pads ?? [0, 0, 0, 0],
  });

/** Not in `lean`: the transformed weights would be a second copy of the mapped ones. */
const isWinograd = (e: Emitter, x: OnnxValue, w: OnnxValue, node: OpValue): boolean =>
  e.preset === "speed" &&
  number(node, "stride") === 1 &&
  list(node, "pads").every((pad) => pad === 1) &&
  suitsWinograd(x, w);

function outputSize(
  [height, width]: readonly [number, number],
  kernel: number,
  attributes: Attributes,
): [number, number] {
  const [top, left, bottom, right] = list({ attributes }, "pads") as [number, number, number, number];
  const stride = number({ attributes }, "stride");
  const out = (size: number, padding: number): number => Math.floor((size + padding - kernel) / stride) + 1;
  return [out(height, top + bottom), out(width, left + right)];
}

/** What is left over at the bottom and right by a stride that does not divide the padded size. */
function convTranspose(e: Emitter, dy: OnnxValue, w: OnnxValue, node: OpValue): OnnxValue {
  const kernel = w.shape[2] as number;
  const stride = number(node, "stride");
  const pads = list(node, "pads") as readonly [number, number, number, number];
  const rest = (axis: 2 | 3): number =>
    (node.shape[axis] as number) -
    (((dy.shape[axis] as number) - 1) * stride + kernel - (pads[axis - 2] as number) - (pads[axis] as number));
  return e.emit("ConvTranspose", [dy, w], node.shape, {
    attributes: {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads,
      output_padding: [rest(2), rest(3)],
    },
  });
}

/** Stride 1: a convolution of dy with the weights transposed in channels and mirrored in space. */
function convFlipped(e: Emitter, dy: OnnxValue, w: OnnxValue, node: OpValue): OnnxValue {
  const kernel = w.shape[2] as number;
  const least = -(2n ** 63n);
  const flipped = e.once(`flipped ${w.name}`, () => {
    const swapped = Transpose(e, w, [1, 0, 2, 3]);
    if (kernel === 1) return swapped;
    return e.emit(
      "Slice",
      [swapped, e.i64([-1, -1]), e.i64([least, least]), e.i64([2, 3]), e.i64([-1, -1])],
      swapped.shape,
    );
  });
  const pads = list(node, "pads").map((pad) => kernel - 1 - pad);
  return Conv(e, dy, flipped, null, { kernel, stride: 1, pads });
}

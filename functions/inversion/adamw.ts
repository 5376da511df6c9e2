/** Optimiser state of one parameter, with its own step count. */
export interface Moments {
  readonly step: number;
  /** Exponential averages of the gradient and of its square. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export interface AdamWOptions {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** PyTorch's defaults. */
export const adamWDefaults = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 1e-2 } as const;

export const freshMoments = (size: number): Moments => ({
  step: 0,
  first: new Float32Array(size),
  second: new Float32Array(size),
});

/** One AdamW step (Loshchilov & Hutter 2019, alg. 2) with PyTorch's order of operations and f32 rounding, both moments
 * with its fused multiply-add: equal bit for bit but for square roots that its vector library rounds the other way.
 * Returns new arrays; nothing is changed in place. */
export function adamW(
  parameter: Float32Array,
  gradient: Float32Array,
  moments: Moments,
  { learningRate, betas: [beta1, beta2], epsilon, weightDecay }: AdamWOptions,
): { readonly parameter: Float32Array; readonly moments: Moments } {
  const f = Math.fround;
  const step = moments.step + 1;
  const decay = f(1 - learningRate * weightDecay);
  const stepSize = f(learningRate / (1 - beta1 ** step));
  const correction = f(Math.sqrt(1 - beta2 ** step));
  const first = moments.first.map((m, i) => f(m + f(1 - beta1) * f((gradient[i] as number) - m)));
  const second = moments.second.map((v, i) => {
    const g = gradient[i] as number;
    return f(f(v * f(beta2)) + f(f(1 - beta2) * g) * g);
  });
  const updated = parameter.map((p, i) => {
    const denominator = f(f(f(Math.sqrt(second[i] as number)) / correction) + f(epsilon));
    return f(f(p * decay) - f(f(stepSize * (first[i] as number)) / denominator));
  });
  return { parameter: updated, moments: { step, first, second } };
}

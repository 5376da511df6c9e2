/** Values of `beta_schedule` that scheduler_config.json may name. */
export const betaSchedules = ["linear", "scaled_linear", "squaredcos_cap_v2"] as const;
type BetaSchedule = (typeof betaSchedules)[number];

/** The forward process as a checkpoint's scheduler_config.json describes it. */
export interface NoiseScheduleConfig {
  readonly schedule: BetaSchedule;
  /** Variance that the first training timestep adds, e.g. 0.00085; unused by squaredcos_cap_v2. */
  readonly betaStart: number;
  /** Variance that the last one adds, e.g. 0.012. */
  readonly betaEnd: number;
  /** Number of training timesteps N, 1,000 for all known checkpoints. */
  readonly timesteps: number;
}

/** ᾱ_t = ∏_{s ≤ t} (1 − β_s) for t = 0…N−1 (Ho et al. 2020, eq. 4). Betas and alphas are rounded to f32 and the
 * product is not, because the tables that the checkpoints were trained with were made so: equal bit for bit. */
export function alphasCumprod(config: NoiseScheduleConfig): Float64Array {
  let product = 1;
  return Float64Array.from(betas(config), (beta) => {
    product *= Math.fround(1 - beta);
    return Math.fround(product);
  });
}

/** β_t: evenly spaced (linear, Ho et al. 2020), evenly spaced square roots (scaled_linear, Rombach et al. 2022), or
 * from a squared cosine ᾱ (squaredcos_cap_v2, Nichol & Dhariwal 2021, eq. 17). */
function betas({ schedule, betaStart, betaEnd, timesteps }: NoiseScheduleConfig): Float32Array {
  switch (schedule) {
    case "linear":
      return linspace(betaStart, betaEnd, timesteps);
    case "scaled_linear":
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), timesteps).map((root) => root * root);
    case "squaredcos_cap_v2": {
      const alphaBar = (time: number) => Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
      return Float32Array.from({ length: timesteps }, (_, t) =>
        Math.min(1 - alphaBar((t + 1) / timesteps) / alphaBar(t / timesteps), 0.999),
      );
    }
  }
}

/** Evenly spaced f32 values, counted from the nearer end as PyTorch does. */
function linspace(from: number, to: number, count: number): Float32Array {
  const [start, end] = [Math.fround(from), Math.fround(to)];
  const step = Math.fround(Math.fround(end - start) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? start + step * i : end - step * (count - 1 - i),
  );
}

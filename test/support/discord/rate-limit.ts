import type { World } from "./world.ts";

interface Rule {
  readonly method: RegExp;
  /** Its first group is what requests share a bucket by. */
  readonly path: RegExp;
  readonly limit: number;
  readonly perMs: number;
}

/** Limits as Discord's headers have shown them; the real ones may change, so a bot must read the headers. */
const rules: readonly Rule[] = [
  { method: /POST/, path: /^\/channels\/(\d+)\/messages$/, limit: 5, perMs: 5_000 },
  { method: /PATCH/, path: /^\/channels\/(\d+)\/messages\/\d+$/, limit: 5, perMs: 5_000 },
  { method: /POST|PATCH|DELETE/, path: /^\/webhooks\/\d+\/([^/]+)/, limit: 5, perMs: 2_000 },
  { method: /PUT/, path: /^\/(applications)\/\d+\/(?:guilds\/\d+\/)?commands$/, limit: 2, perMs: 60_000 },
];

const globalLimit = 50;

export interface Verdict {
  readonly headers: Readonly<Record<string, string>>;
  /** Present when the request is refused with 429. */
  readonly refused?: { readonly retryAfterMs: number; readonly global: boolean };
}

/** Counts a request against its bucket and against 50 a second in all. */
export function createRateLimiter(world: World): (method: string, path: string) => Verdict {
  const taken = new Map<string, number[]>();

  const take = (bucket: string, limit: number, perMs: number) => {
    const now = world.clock.now();
    const times = (taken.get(bucket) ?? []).filter((time) => time > now - perMs);
    taken.set(bucket, times);
    const resetMs = (times[0] ?? now) + perMs - now;
    if (times.length >= limit) return { allowed: false, remaining: 0, resetMs };
    times.push(now);
    return { allowed: true, remaining: limit - times.length, resetMs };
  };

  return (method, path) => {
    // Answers to interactions are outside the global limit.
    if (!path.startsWith("/interactions/")) {
      const whole = take("global", globalLimit, 1_000);
      if (!whole.allowed) return { headers: {}, refused: { retryAfterMs: whole.resetMs, global: true } };
    }
    const rule = rules.find((candidate) => candidate.method.test(method) && candidate.path.test(path));
    if (rule === undefined) return { headers: {} };
    const bucket = `${method} ${rules.indexOf(rule)} ${rule.path.exec(path)?.[1] ?? ""}`;
    const { allowed, remaining, resetMs } = take(bucket, rule.limit, rule.perMs);
    const headers = {
      "x-ratelimit-limit": String(rule.limit),
      "x-ratelimit-remaining": String(remaining),
      "x-ratelimit-reset-after": (resetMs / 1000).toFixed(3),
      "x-ratelimit-reset": ((world.clock.now() + resetMs) / 1000).toFixed(3),
      "x-ratelimit-bucket": `bucket${rules.indexOf(rule)}`,
    };
    return allowed ? { headers } : { headers, refused: { retryAfterMs: resetMs, global: false } };
  };
}

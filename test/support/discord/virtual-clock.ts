/** Time that runs with the machine's, or slower, and can be moved ahead, so that 15 minutes pass in no time. Milliseconds since
 * 1970. */
export interface VirtualClock {
  now(): number;
  /** Resolves once `ms` have passed on this clock. Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Moves ahead; sleepers that are due wake. */
  advance(ms: number): void;
}

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
  timer: NodeJS.Timeout;
}

/** @param rate virtual milliseconds in a real one: below 1, a machine that is busy keeps Discord's three seconds. */
export function createVirtualClock(startMs: number = Date.UTC(2026, 7, 1, 12), rate = 1): VirtualClock {
  const beganMs = performance.now();
  const sleepers = new Set<Sleeper>();
  let skippedMs = 0;
  const now = () => Math.floor(startMs + (performance.now() - beganMs) * rate + skippedMs);

  const arm = (sleeper: Sleeper) => {
    clearTimeout(sleeper.timer);
    sleeper.timer = setTimeout(sleeper.wake, Math.max(0, sleeper.dueMs - now()) / rate);
  };
  return {
    now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const end = () => {
          clearTimeout(sleeper.timer);
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", abort);
        };
        const abort = () => {
          end();
          reject(signal?.reason);
        };
        const wake = () => {
          end();
          resolve();
        };
        const sleeper: Sleeper = { dueMs: now() + ms, wake, timer: setTimeout(wake, ms / rate) };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", abort, { once: true });
      }),
    advance(ms) {
      skippedMs += ms;
      for (const sleeper of sleepers) arm(sleeper);
    },
  };
}

import { Worker } from "node:worker_threads";
import type { Picture } from "../tensor/pixels.ts";

/** What a pixel is before a cut, and after it: OpenCV's GC_BGD, GC_FGD, GC_PR_BGD, GC_PR_FGD. Odd is the thing. */
export const trimapLabel = { background: 0, thing: 1, probablyBackground: 2, probablyThing: 3 } as const;

/** Parent → worker. Pixels RGB, three bytes each; one label of `trimapLabel` a pixel. */
export interface CutRequest {
  readonly id: number;
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  readonly trimap: Uint8Array;
  readonly rounds: number;
}

/** Worker → parent. */
export type CutReply = { readonly id: number } & ({ readonly trimap: Uint8Array } | { readonly error: string });

/** Picture and trimap → trimap after the cut; undefined when the cut failed or took too long: there is always a mask without it. */
export type GrabCut = (picture: Picture, trimap: Uint8Array) => Promise<Uint8Array | undefined>;

interface Waiting {
  readonly settle: (trimap: Uint8Array | undefined) => void;
  readonly timer: NodeJS.Timeout;
}

/** GrabCut (Rother, Kolmogorov & Blake 2004) by OpenCV, in a worker thread (WebAssembly), the
 * same cut for the same picture every time. The thread starts with the first cut and ends after `idleMs`
 * without any. A cut that takes longer than `timeoutMs`, loading included, ends the worker. */
export function createGrabCut({ timeoutMs = 15_000, idleMs = 60_000, rounds = 3 } = {}): GrabCut {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let nextId = 0;
  const waiting = new Map<number, Waiting>();

  const settle = (id: number, trimap: Uint8Array | undefined): void => {
    const asked = waiting.get(id);
    if (!asked) return;
    waiting.delete(id);
    clearTimeout(asked.timer);
    asked.settle(trimap);
    if (waiting.size === 0) idle = setTimeout(end, idleMs).unref();
  };
  const end = (): void => {
    const ending = worker;
    worker = undefined;
    void ending?.terminate();
    for (const id of [...waiting.keys()]) settle(id, undefined);
    clearTimeout(idle);
  };
  const start = (): Worker => {
    const started = new Worker(new URL("./grab-cut-worker.ts", import.meta.url));
    started.on("message", (reply: CutReply) => settle(reply.id, "trimap" in reply ? reply.trimap : undefined));
    const lost = (): void => {
      if (worker === started) end();
    };
    started.on("error", lost);
    started.on("exit", lost);
    // A thread that only waits must not keep the process alive. Last, for listening to its messages holds it again.
    started.unref();
    return started;
  };

  return async ({ width, height, data }, trimap) => {
    // OpenCV refuses these, and loses the memory that it took for them.
    const things = trimap.filter((label) => label & 1).length;
    if (things === 0 || things === trimap.length) return undefined;
    return await new Promise((resolve) => {
      clearTimeout(idle);
      worker ??= start();
      const id = nextId++;
      waiting.set(id, { settle: resolve, timer: setTimeout(end, timeoutMs) });
      worker.postMessage({ id, width, height, data, trimap, rounds } satisfies CutRequest);
    });
  };
}

import { bugMessage } from "../../shared/error.ts";
import type { JobEvent, Prediction } from "../../shared/job.ts";
import { writeJobEvent } from "../../shared/job-stream.ts";
import { sseHeartbeat } from "../../shared/sse.ts";
import type { ServiceDeps } from "./app-deps.ts";

/** Proxies close connections that are silent for longer. */
const heartbeatMs = 15_000;

/** A job's events as text/event-stream, ending in exactly one `completed`, also when `watch` throws: then the prediction of
 * `broken` ends it. It stops early only when the client goes away or the service closes. */
export function eventStream(
  deps: Pick<ServiceDeps, "clock" | "log" | "newId" | "closing">,
  watch: (signal: AbortSignal) => AsyncGenerator<JobEvent>,
  broken: Prediction,
): Response {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, deps.closing]);
  const events = watch(signal);
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<JobEvent>> | undefined;
  let ended = false;

  const nextText = async (): Promise<string | undefined> => {
    pending ??= events.next();
    const quiet = new AbortController();
    const beat = deps.clock.sleep(heartbeatMs, AbortSignal.any([quiet.signal, signal])).catch(() => undefined);
    const result = await Promise.race([pending, beat.then(() => (signal.aborted ? undefined : "beat"))]);
    quiet.abort();
    if (result === "beat") return sseHeartbeat;
    if (result === undefined || typeof result === "string" || result.done === true) return undefined;
    pending = undefined;
    ended = result.value.type === "completed";
    return writeJobEvent(result.value);
  };

  /** The watch waits at its last event and listens to the bell until it is told that nobody wants another. */
  const stopWatching = (): void => {
    events.return(undefined).catch((error: unknown) => deps.log.error("watch did not end", { job: broken.id, error }));
  };

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (ended) return controller.close();
        try {
          const text = await nextText();
          if (text === undefined || ended) stopWatching();
          if (text === undefined) return controller.close();
          controller.enqueue(encoder.encode(text));
        } catch (error) {
          stopWatching();
          ended = true;
          const id = deps.newId();
          deps.log.error("stream broke off", { id, job: broken.id, error });
          const prediction: Prediction = { ...broken, status: "failed", output: null, error: bugMessage(id) };
          controller.enqueue(encoder.encode(writeJobEvent({ type: "completed", prediction })));
        }
      },
      cancel: () => {
        gone.abort();
        stopWatching();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
  });
}

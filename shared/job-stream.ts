import { z } from "zod";
import { JobEvent, JobOutput, Prediction } from "./job.ts";
import { readSse, type SseEvent, writeSse } from "./sse.ts";

const Output = z.object({ chunk: JobOutput, index: z.number().int() });
const Log = z.object({ source: z.string(), data: z.string() });

/** A job event as Cog writes it: `start` and `completed` carry the prediction, `output` {chunk, index}, `log` {source, data},
 * `metric` {name, value, mode}; `progress` is ours. The id, where given, is what a client resumes from. */
export function writeJobEvent(event: JobEvent, id?: string): string {
  return writeSse({ event: event.type, data: JSON.stringify(payloadOf(event)), ...(id === undefined ? {} : { id }) });
}

function payloadOf(event: JobEvent): unknown {
  switch (event.type) {
    case "start":
    case "completed":
      return event.prediction;
    case "output":
      return { chunk: event.output, index: 0 };
    case "log":
      return { source: "stdout", data: event.text };
    case "metric":
      return { name: event.name, value: event.value, mode: "replace" };
    case "progress": {
      const { type: _, ...rest } = event;
      return rest;
    }
  }
}

/** The job event that an event of a stream carries; undefined for kinds that this version does not know.
 * @throws SyntaxError | ZodError when a known kind carries something else */
export function parseJobEvent({ event, data }: SseEvent): JobEvent | undefined {
  switch (event) {
    case "start":
    case "completed":
      return { type: event, prediction: Prediction.parse(JSON.parse(data)) };
    case "output":
      return { type: "output", output: Output.parse(JSON.parse(data)).chunk };
    case "log":
      return { type: "log", text: Log.parse(JSON.parse(data)).data };
    case "metric":
    case "progress":
      return JobEvent.parse({ ...Object(JSON.parse(data)), type: event });
    default:
      return undefined;
  }
}

/** The job events of a response body, up to and including `completed`; ends early where the stream breaks off. */
export async function* readJobEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<JobEvent> {
  for await (const raw of readSse(body)) {
    const event = parseJobEvent(raw);
    if (event === undefined) continue;
    yield event;
    if (event.type === "completed") return;
  }
}

import { UserError } from "./error.ts";

/** One server-sent event. `event` is "message" when the stream names none. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** Last id that the stream has named, for resuming. */
  readonly id?: string;
}

/** Text of one event, blank line included. The event's name and id must be single lines.
 * @throws Error on a line break in event or id, or NUL in the id */
export function writeSse({ event, data, id }: SseEvent): string {
  if (/[\r\n]/.test(event) || (id !== undefined && /[\r\n\0]/.test(id))) {
    throw new Error("sse: event and id must be single lines");
  }
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${id === undefined ? "" : `id: ${id}\n`}${event === "message" ? "" : `event: ${event}\n`}${lines.join("")}\n`;
}

/** A comment line that keeps proxies from closing an idle stream. */
export const sseHeartbeat = ": \n\n";

/** One event may hold this many characters (a prediction with its curve and logs is far below). */
const maxEventCharacters = 4 * 1024 * 1024;

/** An incremental parser of the event stream format (WHATWG HTML, sec. 9.2): feed it text as it comes, in any pieces; it
 * returns the events completed so far. An unfinished event at the end of the stream is dropped, as the standard says.
 * @throws UserError too_large when an event never ends */
export function sseParser(): (chunk: string) => SseEvent[] {
  let held = "";
  let unfinished: string[] = []; // pieces of a line whose end has not come
  let first = true;
  let event = "";
  let id: string | undefined;
  let data: string[] = [];
  let size = 0; // characters of the event's complete lines
  let partial = 0; // and of the unfinished one

  function dispatch(): SseEvent | undefined {
    const done =
      data.length === 0
        ? undefined
        : { event: event || "message", data: data.join("\n"), ...(id === undefined ? {} : { id }) };
    event = "";
    data = [];
    size = 0;
    return done;
  }

  function line(text: string): SseEvent | undefined {
    if (text === "") return dispatch();
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + (text[colon + 1] === " " ? 2 : 1));
    size += text.length;
    if (field === "data") data.push(value);
    else if (field === "event") event = value;
    else if (field === "id" && !value.includes("\0")) id = value;
    return undefined;
  }

  return (chunk) => {
    let text = held + chunk;
    // A carriage return at the very end may be half of CR LF: it waits for what follows.
    held = text.endsWith("\r") ? "\r" : "";
    if (held !== "") text = text.slice(0, -1);
    if (first && text !== "") {
      if (text.startsWith("\uFEFF")) text = text.slice(1);
      first = false;
    }
    const events: SseEvent[] = [];
    const ends = text.matchAll(/\r\n|\n|\r/g);
    let begin = 0;
    for (const end of ends) {
      const done = line(unfinished.join("") + text.slice(begin, end.index));
      unfinished = [];
      partial = 0;
      begin = end.index + end[0].length;
      if (done !== undefined) events.push(done);
    }
    unfinished.push(text.slice(begin));
    partial += text.length - begin;
    if (size + partial > maxEventCharacters) {
      throw new UserError("too_large", `an event of the stream has more than ${maxEventCharacters} characters`);
    }
    return events;
  };
}

/** The events of a byte stream (a fetch body). Stops when the stream ends; cancels it when the reader stops. */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const parse = sseParser();
  const decoder = new TextDecoder();
  for await (const bytes of body) yield* parse(decoder.decode(bytes, { stream: true }));
  yield* parse(decoder.decode());
}

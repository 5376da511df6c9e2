/** Where services report what an operator should know. Fields must never hold secrets or people's pictures. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** One JSON object a line, as log collectors expect. */
export function createJsonLog(write: (line: string) => void, now: () => number): Log {
  const line =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      write(JSON.stringify({ time: new Date(now()).toISOString(), level, message, ...fields }, readable));
  return { info: line("info"), warn: line("warn"), error: line("error") };
}

/** JSON.stringify drops everything of an Error; operators need its text, stack and cause. */
function readable(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
}

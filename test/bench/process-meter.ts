import { existsSync, readFileSync } from "node:fs";

/** What a process used while it was watched. Linux only: read from /proc. */
export interface Usage {
  /** Most resident memory of the process so far, mapped files included. */
  readonly peakBytes: number;
  /** Most anonymous memory (everything but mapped files) seen while watching. */
  readonly peakAnonymousBytes: number;
}

const statusOf = (processId: number, key: string): number => {
  const line = readFileSync(`/proc/${processId}/status`, "utf8")
    .split("\n")
    .find((text) => text.startsWith(`${key}:`));
  return 1024 * Number(line?.match(/\d+/)?.[0] ?? 0);
};

/** Watches a process's memory, from when it has started until `stop` or its end. */
export function watchMemory(processIdOf: () => number | undefined): { readonly stop: () => Usage } {
  let usage: Usage = { peakBytes: 0, peakAnonymousBytes: 0 };
  const look = (): void => {
    const id = processIdOf();
    if (id === undefined || !existsSync(`/proc/${id}`)) return;
    const anonymous = statusOf(id, "RssAnon");
    usage = {
      peakBytes: statusOf(id, "VmHWM"),
      peakAnonymousBytes: Math.max(usage.peakAnonymousBytes, anonymous),
    };
  };
  const timer = setInterval(look, 20);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return usage;
    },
  };
}

/** Processor seconds that a process has used, over all its threads. */
export function processorSeconds(processId: number): number {
  const text = readFileSync(`/proc/${processId}/stat`, "utf8");
  // utime and stime follow the name, which may hold anything but is closed by the last parenthesis; 100 ticks a second.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

import { existsSync, readFileSync } from "node:fs";

/** What processes used while they were watched, together. Linux only: read from /proc. */
export interface Usage {
  /** Most resident memory of each so far, mapped files included. */
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

/** Watches the memory of processes, from when they have started until `stop` or their end. */
export function watchMemory(processIds: () => readonly number[]): { readonly stop: () => Usage } {
  let usage: Usage = { peakBytes: 0, peakAnonymousBytes: 0 };
  const look = (): void => {
    const alive = processIds().filter((id) => existsSync(`/proc/${id}`));
    if (alive.length === 0) return;
    const all = (key: string): number => alive.reduce((sum, id) => sum + statusOf(id, key), 0);
    usage = { peakBytes: all("VmHWM"), peakAnonymousBytes: Math.max(usage.peakAnonymousBytes, all("RssAnon")) };
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

import { EventEmitter } from "node:events";

/** Wakes whoever waits for news of a job in this process, so that nobody has to poll faster. Other processes' news comes by
 * polling the store. */
export interface Bell {
  ring(id: string): void;
  /** Calls `listener` on every ring, for any job. Returns how to stop. */
  onRing(listener: (id: string) => void): () => void;
}

export function createBell(): Bell {
  const emitter = new EventEmitter().setMaxListeners(0);
  return {
    ring: (id) => void emitter.emit("ring", id),
    onRing: (listener) => {
      emitter.on("ring", listener);
      return () => void emitter.off("ring", listener);
    },
  };
}

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { Component } from "./component.ts";

const sampleCount = 64;
const sampleBytes = 4096;

/** Identity of a checkpoint, sha-256 in hex: every config, every tensor's name, shape and format, and 64 evenly spaced
 * 4-KiB samples of each weight file. Concepts learned on one checkpoint name it so. */
export function fingerprint(components: readonly Component<unknown>[], scheduler: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(scheduler));
  for (const { name, config, files } of components) {
    hash.update(`${name} ${JSON.stringify(config)}`);
    for (const file of files) {
      hash.update(JSON.stringify([...file.tensors]));
      sampleFile(file.path, file.bytes, (sample) => hash.update(sample));
    }
  }
  return hash.digest("hex");
}

function sampleFile(path: string, bytes: number, visit: (sample: Uint8Array) => void): void {
  const descriptor = openSync(path, "r");
  try {
    for (let i = 0; i < sampleCount; i++) {
      const buffer = new Uint8Array(sampleBytes);
      const position = Math.floor((Math.max(0, bytes - sampleBytes) * i) / (sampleCount - 1));
      visit(buffer.subarray(0, readSync(descriptor, buffer, 0, sampleBytes, position)));
    }
  } finally {
    closeSync(descriptor);
  }
}

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { Component } from "./component.ts";

/** Files up to this size are read whole. */
const wholeBytes = 64 * 2 ** 20;
const sampleCount = 1024;
const sampleBytes = 4096;

/** Identity of a checkpoint, sha-256 in hex: every config, every tensor's name, shape and format, and the weights. Files
 * up to 64 MiB count byte by byte; of a larger one 1,024 evenly spaced samples of 4 KiB, first and last bytes among them,
 * do (a thousandth of 4 GB): training changes every weight, and reading all would take longer than a learning step.
 * Concepts learned on one checkpoint name it so. */
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
  const whole = bytes <= wholeBytes;
  const count = whole ? Math.ceil(bytes / sampleBytes) : sampleCount;
  const stride = whole ? sampleBytes : (bytes - sampleBytes) / (sampleCount - 1);
  const descriptor = openSync(path, "r");
  try {
    const buffer = new Uint8Array(sampleBytes);
    for (let i = 0; i < count; i++) {
      visit(buffer.subarray(0, readSync(descriptor, buffer, 0, sampleBytes, Math.floor(i * stride))));
    }
  } finally {
    closeSync(descriptor);
  }
}

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { adamW, adamWDefaults, freshMoments } from "../../functions/inversion/adamw.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";

const file = readHeader(fileURLToPath(new URL("../golden/adamw.safetensors", import.meta.url)));
const golden = (name: string): Float32Array => readTensor(file, name).data;
const steps = 100;
const learningRate = 2e-3;

for (const [name, weightDecay] of [
  ["decayed", 1e-2],
  ["plain", 0],
] as const) {
  test(`${steps} steps of AdamW equal PyTorch's: the moments bit for bit, the parameter within 5e-7 (${name})`, () => {
    const gradients = golden("gradients");
    let parameter = golden("start");
    const size = parameter.length;
    let moments = freshMoments(size);
    for (let step = 0; step < steps; step++) {
      const at = (values: Float32Array) => values.subarray(step * size, (step + 1) * size);
      ({ parameter, moments } = adamW(parameter, at(gradients), moments, {
        ...adamWDefaults,
        learningRate,
        weightDecay,
      }));
      expect(moments.first, `first moment after step ${step + 1}`).toEqual(at(golden(`${name}.first`)));
      expect(moments.second, `second moment after step ${step + 1}`).toEqual(at(golden(`${name}.second`)));
      const theirs = at(golden(`${name}.parameter`));
      const off = parameter.map((p, i) => Math.abs(p - (theirs[i] as number)) / Math.max(Math.abs(p), learningRate));
      expect(Math.max(...off), `parameter after step ${step + 1}`).toBeLessThan(5e-7);
    }
  });
}

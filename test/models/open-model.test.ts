import {
  closeSync,
  cpSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fingerprint } from "../../functions/models/fingerprint.ts";
import { openModel } from "../../functions/models/open-model.ts";
import type { Engine } from "../../functions/onnx/engine.ts";
import { spawnLanes } from "../../functions/onnx/spawn-lanes.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { maxError } from "../support/compare.ts";
import { testEngine, values } from "../support/evaluate.ts";
import { tinySdGolden as golden, tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine("lean");

/** The engine with a count of what it was asked to load and what was closed. */
function counted() {
  const count = { loaded: 0, closed: 0 };
  const load: Engine["load"] = async (model, options) => {
    count.loaded++;
    const session = await engine.load(model, options);
    return {
      ...session,
      close: () => {
        count.closed++;
        return session.close();
      },
    };
  };
  return { count, engine: { ...engine, load } };
}

const batch = (size: number): Tensor => values([size, 24, 24], size);

test("text, prediction, posterior and picture equal what PyTorch computed", async () => {
  const model = openModel("tiny", tinySdFolder, engine);
  expect(maxError(await model.encodeText(golden("embeddings")), golden("context"))).toBeLessThan(1e-5);
  const prediction = await model.predict(golden("latents"), [...golden("timesteps").data], golden("context"));
  expect(maxError(prediction, golden("prediction"))).toBeLessThan(2e-5);
  const { mean, logVariance } = await model.encodePixels(golden("pixels"));
  expect(maxError(mean, golden("mean"))).toBeLessThan(2e-5);
  expect(maxError(logVariance, golden("logVariance"))).toBeLessThan(2e-5);
  expect(maxError(await model.decodeLatents(golden("latents")), golden("decoded"))).toBeLessThan(2e-5);
  await model.close();
});

test("lanes share a batch of any size, and what they compute is what one process computes", async () => {
  const lanes = spawnLanes({ preset: "speed", providers: ["cpu"], threads: 3 }, 3);
  onTestFinished(() => lanes.close());
  const [one, shared] = [openModel("tiny", tinySdFolder, engine), openModel("tiny", tinySdFolder, lanes)];
  for (const size of [1, 2, 3, 5]) {
    const [expected, got] = [await one.encodeText(batch(size)), await shared.encodeText(batch(size))];
    expect(got.shape).toEqual(expected.shape);
    expect(maxError(got, expected)).toBeLessThan(1e-5);
  }
  const predicted = await shared.predict(golden("latents"), [...golden("timesteps").data], golden("context"));
  expect(maxError(predicted, golden("prediction"))).toBeLessThan(2e-5);
  expect(lanes.processIds()).toHaveLength(3);
  await Promise.all([one.close(), shared.close()]);
});

test("sessions are kept for four batch sizes; a fifth closes the one that was not used for longest", async () => {
  const watched = counted();
  const model = openModel("tiny", tinySdFolder, watched.engine);
  for (const size of [1, 2, 3, 4, 1]) await model.encodeText(batch(size));
  expect(watched.count).toEqual({ loaded: 4, closed: 0 });
  await model.encodeText(batch(5));
  expect(watched.count).toEqual({ loaded: 5, closed: 1 });
  await model.encodeText(batch(1));
  expect(watched.count).toEqual({ loaded: 5, closed: 1 });
  await model.encodeText(batch(2));
  expect(watched.count).toEqual({ loaded: 6, closed: 2 });
  await model.close();
  expect(watched.count).toEqual({ loaded: 6, closed: 6 });
});

test("calls of many sizes at once all answer, though not all of their sessions are kept", async () => {
  const model = openModel("tiny", tinySdFolder, engine);
  const sizes = [1, 2, 3, 4, 5, 6, 1, 2];
  const contexts = await Promise.all(sizes.map((size) => model.encodeText(batch(size))));
  expect(contexts.map(({ shape }) => shape[0])).toEqual(sizes);
  expect(contexts[6]).toEqual(contexts[0]);
  await model.close();
});

test("after the engine process died the next call loads everything again", async () => {
  const model = openModel("tiny", tinySdFolder, engine);
  const before = await model.encodeText(batch(1));
  process.kill(engine.processId() as number, "SIGKILL");
  await expect(model.encodeText(batch(1))).rejects.toMatchObject({ code: "engine_failed" });
  expect(await model.encodeText(batch(1))).toEqual(before);
  await model.close();
});

test("the hash is that of the content, wherever the folder lies, and changes with any byte of the weights", () => {
  const folder = mkdtempSync(join(tmpdir(), "eponym-hash-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(tinySdFolder, folder, { recursive: true });
  const hash = () => openModel("copy", folder, engine).hash;
  const original = openModel("tiny", tinySdFolder, engine).hash;
  expect(original).toMatch(/^[0-9a-f]{64}$/);
  expect(hash()).toBe(original);
  const file = join(folder, "unet", "diffusion_pytorch_model.safetensors");
  for (const fromEnd of [1, 4097, 12_345, 100_001]) {
    const undo = flip(file, fromEnd);
    expect(hash(), `byte ${fromEnd} from the end`).not.toBe(original);
    undo();
  }
  expect(hash()).toBe(original);
});

test("of a file above 64 MiB first, last and every 1,024th part of the bytes count", () => {
  const path = join(mkdtempSync(join(tmpdir(), "eponym-hash-")), "large");
  onTestFinished(() => rmSync(join(path, ".."), { recursive: true }));
  const bytes = 80 * 2 ** 20;
  closeSync(openSync(path, "w"));
  truncateSync(path, bytes);
  const component = { name: "unet", config: {}, files: [{ path, bytes, tensors: new Map(), metadata: new Map() }] };
  const hash = () => fingerprint([component as never], {});
  const original = hash();
  const stride = (bytes - 4096) / 1023;
  for (const at of [0, bytes - 1, Math.floor(500 * stride), Math.floor(1000 * stride) + 4095]) {
    const undo = flip(path, bytes - at);
    expect(hash(), `byte ${at}`).not.toBe(original);
    undo();
  }
});

/** Inverts one byte, counted from the end; gives the way back. */
function flip(path: string, fromEnd: number): () => void {
  const descriptor = openSync(path, "r+");
  const byte = new Uint8Array(1);
  const { size } = fstatSync(descriptor);
  readSync(descriptor, byte, 0, 1, size - fromEnd);
  byte[0] = ~(byte[0] as number) & 255;
  writeSync(descriptor, byte, 0, 1, size - fromEnd);
  closeSync(descriptor);
  return () => void flip(path, fromEnd);
}

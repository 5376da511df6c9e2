import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect, onTestFinished, test } from "vitest";
import { input, type Value } from "../../functions/graph/value.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { add } from "../../functions/ops/add.ts";
import { attention } from "../../functions/ops/attention.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { testEngine, values } from "../support/evaluate.ts";

const engine = testEngine("lean");
const x = input("x", [2, 2]);
const double = lower({ outputs: { y: add(x, x) } }, { preset: "lean", target: "plain" });
const feeds = { x: values([2, 2]) };

/** Some hundred milliseconds of attention in one call. */
function longModel() {
  const q = input("q", [1, 1024, 64]);
  let y: Value = q;
  for (let i = 0; i < 12; i++) y = attention(y, q, q, 1);
  return lower({ outputs: { y } }, { preset: "lean", target: "plain" });
}
const longFeeds = { q: values([1, 1024, 64]) };

test("a loaded model tells its edges and computes", async () => {
  const session = await engine.load(double, { label: "double" });
  expect(session.inputs).toEqual([{ name: "x", shape: [2, 2] }]);
  expect(session.outputs).toEqual([{ name: "y", shape: [2, 2] }]);
  const { y } = await session.run(feeds);
  expect((y as Tensor).data).toEqual(feeds.x.data.map((value) => 2 * value));
  expect(engine.peakBytes()).toBeGreaterThan(1e6);
});

test("a provider that this installation lacks is a matter of settings and says what there is and what to do", async () => {
  const cuda = spawnEngine({ preset: "speed", providers: ["cuda", "cpu"], threads: 1 });
  onTestFinished(() => cuda.close());
  await expect(cuda.load(double)).rejects.toMatchObject({
    name: "UserError",
    code: "bad_config",
    message: expect.stringMatching(/"cuda" was asked for.*cpu.*cuda12.*PROVIDERS=cpu/),
  });
});

test("bytes that are no model and feeds that do not fit are errors with the model's label; the process lives on", async () => {
  const before = engine.processId();
  await expect(engine.load({ bytes: values([50]).data as never }, { label: "rubbish" })).rejects.toThrow(/rubbish/);
  await expect(engine.load({ bytes: double.bytes.subarray(0, 40) }, { label: "cut" })).rejects.toThrow(
    /onnxruntime, cut: /,
  );
  const session = await engine.load(double, { label: "double" });
  await expect(session.run({})).rejects.toThrow(/onnxruntime, double: .*'?x'?/);
  await expect(session.run({ x: values([3, 3]) })).rejects.toThrow(/onnxruntime, double: /);
  expect((await session.run(feeds))["y"]?.shape).toEqual([2, 2]);
  expect(engine.processId()).toBe(before);
});

test("kill -9 while calls wait is one engine_failed for each, and the next load works in a new process", async () => {
  const session = await engine.load(longModel(), { label: "long" });
  const killed = engine.processId() as number;
  const calls = [session.run(longFeeds), session.run(longFeeds), engine.load(double)];
  const outcomes = Promise.allSettled(calls);
  setTimeout(() => process.kill(killed, "SIGKILL"), 30);
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: { code: "engine_failed", message: expect.stringMatching(/ended by SIGKILL.*try again/) },
    });
  }
  await expect(session.run(longFeeds)).rejects.toMatchObject({ code: "engine_failed" });
  const again = await engine.load(double);
  expect((await again.run(feeds))["y"]?.shape).toEqual([2, 2]);
  expect(engine.processId()).not.toBe(killed);
  // What the dead process held is gone already: closing it is no error.
  await session.close();
});

test("a session and an engine may be closed twice; an engine that was closed starts again when it is used", async () => {
  const own = spawnEngine({ preset: "lean", providers: ["cpu"], threads: 1 });
  onTestFinished(() => own.close());
  await own.close();
  const session = await own.load(double);
  await session.close();
  await session.close();
  const first = own.processId() as number;
  await Promise.all([own.close(), own.close()]);
  expect(() => process.kill(first, 0)).toThrow();
  expect((await (await own.load(double)).run(feeds))["y"]?.shape).toEqual([2, 2]);
});

test("closing one life of the process does not fail the calls of the next", async () => {
  const own = spawnEngine({ preset: "lean", providers: ["cpu"], threads: 1 });
  onTestFinished(() => own.close());
  await own.load(double);
  const closing = own.close();
  const session = await own.load(double);
  await closing;
  expect((await session.run(feeds))["y"]?.shape).toEqual([2, 2]);
});

test("the parent answers while a long run computes in the child", async () => {
  const session = await engine.load(longModel(), { label: "long" });
  await session.run(longFeeds);
  const lag = monitorEventLoopDelay({ resolution: 5 });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  lag.enable();
  const begin = performance.now();
  await session.run(longFeeds);
  const took = performance.now() - begin;
  lag.disable();
  clearInterval(timer);
  // Half the timers fired and the middle delay stays far below the run, however busy the machine is.
  console.info(`event loop: run ${took.toFixed(0)} ms, median delay ${(lag.percentile(50) / 1e6).toFixed(1)} ms`);
  expect(lag.percentile(50) / 1e6).toBeLessThan(took / 2);
  expect(ticks).toBeGreaterThan(2);
});

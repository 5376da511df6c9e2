import { afterAll, expect, test } from "vitest";
import { input } from "../../functions/graph/value.ts";
import { lower } from "../../functions/onnx/lower.ts";
import { lanesFor, spawnLanes } from "../../functions/onnx/spawn-lanes.ts";
import { add } from "../../functions/ops/add.ts";
import type { Tensor } from "../../functions/tensor/tensor.ts";
import { values } from "../support/evaluate.ts";

const options = { preset: "speed", providers: ["cpu"], threads: 3 } as const;
const engine = spawnLanes(options, 3);
afterAll(() => engine.close());
const x = input("x", [2, 2]);
const double = lower({ outputs: { y: add(x, x) } }, { preset: "speed", target: "plain" });
const feeds = { x: values([2, 2]) };
const doubled = feeds.x.data.map((value) => 2 * value);

test("runs that coincide go to processes of their own, and one after another to the same one", async () => {
  const session = await engine.load(double);
  for (const _ of [1, 2]) await session.run(feeds);
  expect(engine.processIds()).toHaveLength(1);
  const results = await Promise.all([1, 2, 3, 4, 5].map(() => session.run(feeds)));
  for (const { y } of results) expect((y as Tensor).data).toEqual(doubled);
  expect(engine.processIds()).toHaveLength(3);
  // Seven runs in three processes.
  expect(engine.runTimes().runs).toBeCloseTo(7 / 3);
  await session.close();
});

test("kill -9 of some processes ends all with one clear error each, and the next load begins anew", async () => {
  const session = await engine.load(double);
  await Promise.all([1, 2, 3].map(() => session.run(feeds)));
  const before = engine.processIds();
  for (const id of before.slice(1)) process.kill(id, "SIGKILL");
  for (const id of before.slice(1)) await expect.poll(() => isAlive(id)).toBe(false);
  const [first, ...others] = [1, 2, 3].map(() => session.run(feeds));
  await expect(Promise.all([first, ...others])).rejects.toMatchObject({ code: "engine_failed" });
  // At once, while the others still fail.
  const again = await engine.load(double);
  const results = await Promise.all([1, 2, 3].map(() => again.run(feeds)));
  for (const { y } of results) expect((y as Tensor).data).toEqual(doubled);
  for (const other of others) await expect(other).rejects.toMatchObject({ code: "engine_failed" });
  await expect.poll(() => isAlive(before[0] as number)).toBe(false);
  expect(engine.processIds()).toHaveLength(3);
});

test("small models on processors are shared by as many processes as there are threads, at most four", () => {
  expect(lanesFor(10e6, { ...options, threads: 2 })).toBe(2);
  expect(lanesFor(10e6, { ...options, threads: 32 })).toBe(4);
  expect(lanesFor(10e6, { ...options, threads: 1 })).toBe(1);
  expect(lanesFor(2e9, { ...options, threads: 32 })).toBe(1);
  expect(lanesFor(10e6, { ...options, providers: ["cuda", "cpu"], threads: 8 })).toBe(1);
});

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch {
    return false;
  }
}

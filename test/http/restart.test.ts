import { expect, test } from "vitest";
import { listen } from "../../functions/http/listen.ts";
import { signRequest } from "../../shared/identity.ts";
import type { JobEvent } from "../../shared/job.ts";
import { readJobEvents } from "../../shared/job-stream.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { countingTask } from "../jobs/sample-jobs.ts";
import { ann, createTestGateway, secret, until } from "./test-gateway.ts";

const steps = 60;

/** A client that reconnects until it has seen the end, as the bot does. */
async function follow(port: () => number, seen: { connections: number; steps: number[]; completed: number }) {
  const path = "/predictions/a/events";
  while (seen.completed === 0) {
    const headers = await signRequest(secret, ann, { method: "GET", path, body: new Uint8Array() }, Date.now());
    try {
      const response = await fetch(`http://127.0.0.1:${port()}${path}`, { headers });
      if (response.status !== 200) throw new Error(`answered ${response.status}`);
      seen.connections++;
      const events: JobEvent[] = [];
      for await (const event of readJobEvents(response.body as unknown as AsyncIterable<Uint8Array>))
        events.push(event);
      seen.steps = events.flatMap((e) => (e.type === "progress" && e.loss ? [e.loss.step] : []));
      seen.completed += events.filter(({ type }) => type === "completed").length;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test("a gateway that restarts three times in mid-stream finishes the job once, and whoever follows sees all of it", async () => {
  const store = createMemoryStore();
  const { runTask, trace } = countingTask(steps, () => new Promise((resolve) => setTimeout(resolve, 5)));
  let gateway = createTestGateway({ store, runTask });
  let listener = await listen(gateway.app, 0);
  const input = { task: "imagine", prompt: "a mug" };
  await gateway.json(ann, "PUT", "/predictions/a", { input }, { prefer: "respond-async" });
  const seen = { connections: 0, steps: [] as number[], completed: 0 };
  const following = follow(() => listener.port, seen);
  const restarts = [10, 25, 45];
  for (const step of restarts) {
    await until(async () => trace.steps.length >= step && seen.connections > 0);
    await Promise.all([gateway.close(), listener.close(50)]);
    gateway = createTestGateway({ store, runTask });
    listener = await listen(gateway.app, 0);
  }
  await following;
  expect(seen.completed).toBe(1);
  expect(seen.connections).toBeGreaterThan(1);
  expect(seen.steps).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
  expect(trace.finished).toBe(1);
  expect(await gateway.ledger.state("a")).toMatchObject({ status: "succeeded", attempt: 1 });
  console.log(
    `gateway restarts in mid-stream: ${restarts.length}, connections: ${seen.connections}, completed seen: ${seen.completed}, ` +
      `steps run for ${steps}: ${trace.steps.length}`,
  );
  await Promise.all([gateway.close(), listener.close(50)]);
}, 20_000);

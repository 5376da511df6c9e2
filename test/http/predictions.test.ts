import { afterEach, expect, test } from "vitest";
import type { TaskRunner } from "../../functions/jobs/runner.ts";
import { routes } from "../../shared/api.ts";
import type { JobEvent } from "../../shared/job.ts";
import { readJobEvents } from "../../shared/job-stream.ts";
import { limits } from "../../shared/limits.ts";
import { countingTask, waitingTask } from "../jobs/sample-jobs.ts";
import { ann, bob, createTestGateway, person, samplePicture, type TestGatewayOptions, until } from "./test-gateway.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});
function start(options: TestGatewayOptions = {}) {
  const gateway = createTestGateway(options);
  open.push(gateway);
  return gateway;
}

const input = { task: "imagine", prompt: "a mug in space" };
const later = { prefer: "respond-async" };
const sse = { accept: "text/event-stream" };

async function eventsOf(response: Response): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  const body = response.body as unknown as AsyncIterable<Uint8Array>;
  // readJobEvents stops at `completed`; the raw text shows that nothing follows.
  for await (const event of readJobEvents(body)) events.push(event);
  return events;
}

test("without a header the answer is the finished prediction; with respond-async it is 202 at once", async () => {
  const gateway = start();
  const done = await gateway.json(ann, "PUT", "/predictions/a", { input });
  expect({ status: done.status, prediction: done.body["status"] }).toEqual({ status: 200, prediction: "succeeded" });
  const begun = await gateway.json(ann, "POST", "/predictions", { input }, later);
  expect({ status: begun.status, prediction: begun.body["status"] }).toEqual({ status: 202, prediction: "starting" });
  const id = begun.body["id"] as string;
  await until(async () => (await gateway.call(ann, routes.readPrediction, id)).body["status"] === "succeeded");
});

test("ten PUTs of one id, at once and later, are one run with one answer", async () => {
  const { runTask, trace } = countingTask(5);
  const gateway = start({ runTask });
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => gateway.json(ann, "PUT", "/predictions/a", { input })),
  );
  expect(new Set(answers.map((a) => JSON.stringify(a.body))).size).toBe(1);
  expect((await gateway.json(ann, "PUT", "/predictions/a", { input })).body).toEqual(answers[0]?.body);
  expect(trace.finished).toBe(1);
  expect((await gateway.json(ann, "PUT", "/predictions/a", { input: { ...input, count: 2 } })).status).toBe(409);
});

test("every stream replays from the start and ends in exactly one completed, however often and late one looks", async () => {
  const { runTask } = countingTask(20, () => new Promise((resolve) => setTimeout(resolve, 2)));
  const gateway = start({ runTask });
  const first = await eventsOf(await gateway.send(ann, "PUT", "/predictions/a", { input }, sse));
  const streams = await Promise.all(
    [1, 2, 3].map(async () => eventsOf(await gateway.send(ann, "GET", "/predictions/a/events"))),
  );
  for (const events of [first, ...streams]) {
    const types = events.map((event) => event.type);
    expect(types.filter((type) => type === "completed")).toHaveLength(1);
    expect(types.at(-1)).toBe("completed");
    expect(types.filter((type) => type === "start")).toHaveLength(1);
    const steps = events.flatMap((e) => (e.type === "progress" && e.loss ? [e.loss.step] : []));
    expect(steps).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  }
  const raw = await (await gateway.send(ann, "GET", "/predictions/a/events")).text();
  expect(raw.match(/event: completed/g)).toHaveLength(1);
});

test("a stream whose record turns out damaged still ends in one completed", async () => {
  const { runTask, begun } = waitingTask();
  const gateway = start({ runTask });
  const response = await gateway.send(ann, "PUT", "/predictions/a", { input }, sse);
  await begun();
  await until(async () => (await gateway.ledger.state("a"))?.status === "processing");
  const text = response.text();
  await new Promise((resolve) => setTimeout(resolve, 60));
  await gateway.store.put("jobs/a/progress.json", new TextEncoder().encode("{"));
  expect((await text).match(/event: completed/g)).toHaveLength(1);
});

test("a client that goes away stops watching, and the job goes on", async () => {
  const { runTask, begun, letGo } = waitingTask();
  const gateway = start({ runTask });
  const response = await gateway.send(ann, "PUT", "/predictions/a", { input }, sse);
  await begun();
  await response.body?.cancel();
  letGo();
  await until(async () => (await gateway.ledger.state("a"))?.status === "succeeded");
});

test("whoever followed a job to its end, or went away between two events, listens to the bell no more", async () => {
  const { runTask, begun, letGo } = waitingTask();
  const gateway = start({ runTask });
  let listeners = 0;
  const { onRing } = gateway.bell;
  gateway.bell.onRing = (listener) => {
    const off = onRing(listener);
    listeners++;
    return () => {
      listeners--;
      off();
    };
  };
  const followed = gateway.send(ann, "PUT", "/predictions/a", { input }, sse).then(eventsOf);
  await begun();
  const left = (await gateway.send(ann, "GET", "/predictions/a/events")).body?.getReader();
  await left?.read();
  expect(listeners).toBe(2);
  await left?.cancel();
  await until(async () => listeners === 1);
  letGo();
  await followed;
  await gateway.send(ann, "GET", "/predictions/a/events").then((response) => response.text());
  await until(async () => listeners === 0);
});

test("cancel works in every state and changes nothing once a job has ended", async () => {
  const seen: string[] = [];
  const cancel = async (gateway: ReturnType<typeof start>) =>
    (await gateway.call(ann, routes.cancelPrediction, "a")).body["status"];

  const waiting = start({ paused: true });
  await waiting.json(ann, "PUT", "/predictions/a", { input }, later);
  seen.push(`waiting: ${await cancel(waiting)}`);

  const task = waitingTask();
  const running = start({ runTask: task.runTask });
  await running.json(ann, "PUT", "/predictions/a", { input }, later);
  await task.begun();
  await cancel(running);
  await until(async () => (await running.ledger.state("a"))?.status === "canceled");
  seen.push("running: canceled", `canceled: ${await cancel(running)}`);

  const done = start();
  await done.json(ann, "PUT", "/predictions/a", { input });
  seen.push(`succeeded: ${await cancel(done)}`);

  const failing: TaskRunner = async function* () {
    yield { type: "log", text: "no" };
    throw new Error("bug");
  };
  const failed = start({ runTask: failing, paused: true });
  await failed.json(ann, "PUT", "/predictions/a", { input }, later);
  for (let attempt = 1; attempt <= limits.maxJobAttempts; attempt++) {
    await failed.ledger.claim("a", `c${attempt}`);
    await failed.ledger.release("a", `c${attempt}`, { error: "bug", delayMs: 60_000 });
    if (attempt === 1) seen.push(`between attempts: ${(await failed.ledger.state("a"))?.status}`);
  }
  await failed.ledger.settle((await failed.ledger.read("a"))?.request as never);
  seen.push(`failed: ${await cancel(failed)}`);
  console.log(`cancel at every state: ${seen.join(", ")}`);
  expect(seen).toEqual([
    "waiting: canceled",
    "running: canceled",
    "canceled: canceled",
    "succeeded: succeeded",
    "between attempts: starting",
    "failed: failed",
  ]);
});

test("owner and viewer are who signed, whatever the body says", async () => {
  const gateway = start({ paused: true });
  const { body: upload } = await gateway.json(ann, "POST", "/uploads", await samplePicture());
  const learn = { task: "learn", picture: upload["key"], name: "mug", owner: bob.user, server: "77" };
  await gateway.json(ann, "PUT", "/predictions/a", { input: learn }, later);
  const spy = { ...input, viewer: { user: bob.user, server: "77", moderator: true } };
  await gateway.json(ann, "PUT", "/predictions/b", { input: spy }, later);
  expect((await gateway.ledger.read("a"))?.request).toMatchObject({
    userId: "101",
    input: { owner: ann.user, server: "1" },
  });
  expect((await gateway.ledger.read("b"))?.request.input).toMatchObject({
    viewer: { user: ann.user, moderator: false },
  });
});

test("a picture sent inside the request is stored first, so that the ledger holds keys alone", async () => {
  const gateway = start({ paused: true });
  const picture = `data:image/png;base64,${Buffer.from(await samplePicture()).toString("base64")}`;
  const { status } = await gateway.json(ann, "PUT", "/predictions/a", { input: { task: "describe", picture } }, later);
  expect(status).toBe(202);
  expect((await gateway.ledger.read("a"))?.request.input).toMatchObject({
    picture: expect.stringMatching(/^uploads\/101\//),
  });
});

test("webhooks, outside pictures, unknown fields and unknown concepts are refused with words", async () => {
  const gateway = start({ paused: true });
  const bodies = [
    { input, webhook: "http://169.254.169.254/latest" },
    { input: { task: "describe", picture: "http://169.254.169.254/a.png" } },
    { input: { task: "describe", picture: "uploads/102/0123.png" } },
    { input: { ...input, sudo: true } },
    { input: { ...input, prompt: "<nobody> in space" } },
    { input: { task: "train" } },
    { id: "../../x", input },
  ];
  for (const body of bodies) {
    const answer = await gateway.json(ann, "POST", "/predictions", body, later);
    expect([400, 404]).toContain(answer.status);
    expect(answer.body.error?.message.length).toBeGreaterThan(20);
  }
  expect(await gateway.ledger.open()).toEqual([]);
});

test("one person can fill their own share of the queue, not the queue", async () => {
  const gateway = start({ paused: true });
  const put = (who: typeof ann, id: string) => gateway.json(who, "PUT", `/predictions/${id}`, { input }, later);
  for (let i = 0; i < limits.maxOpenJobsPerUser; i++) expect((await put(ann, `a${i}`)).status).toBe(202);
  expect((await put(ann, "more")).status).toBe(429);
  expect((await put(ann, "a0")).status).toBe(202);
  expect((await put(bob, "b0")).status).toBe(202);
});

test("whoever waits is told their place, and moves up", async () => {
  const { runTask, begun, letGo } = waitingTask();
  const gateway = start({ runTask });
  await gateway.json(ann, "PUT", "/predictions/a", { input }, later);
  await begun();
  await gateway.json(ann, "PUT", "/predictions/a2", { input }, later);
  const cid = person("103", "2");
  const response = await gateway.send(cid, "PUT", "/predictions/c", { input }, sse);
  setTimeout(letGo, 100);
  const events = await eventsOf(response);
  const places = events.flatMap((e) => (e.type === "progress" && e.stage === "queued" ? [e.position] : []));
  expect(places[0]).toBeLessThanOrEqual(2);
  expect(events.at(-1)?.type).toBe("completed");
});

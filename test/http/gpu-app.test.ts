import { afterEach, expect, test } from "vitest";
import { createGpuApp } from "../../functions/http/create-gpu-app.ts";
import { queuedHeader } from "../../functions/jobs/engines/http.ts";
import { createLocalEngine } from "../../functions/jobs/engines/local.ts";
import type { TaskRunner } from "../../functions/jobs/runner.ts";
import { cleanPicture } from "../../functions/tasks/clean-picture.ts";
import { signRequest } from "../../shared/identity.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { countingTask, failingTask, imagineRequest, waitingTask, workerDeps } from "../jobs/sample-jobs.ts";
import { ann, bot, samplePicture, secret, until } from "./test-gateway.ts";

const engines: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

function start(runTask: TaskRunner, options: { readonly secret?: string; readonly ready?: Promise<unknown> } = {}) {
  const worker = workerDeps(createMemoryStore(), runTask, { retryMs: 5 });
  const engine = createLocalEngine(worker, { ...options, retries: true });
  engines.push(engine);
  const app = createGpuApp({
    ...{ ...worker, engine, cleanPicture, pollMs: 20 },
    ...(options.secret !== undefined && { secret: options.secret }),
    closing: new AbortController().signal,
    queue: async () => new Map(),
  });
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    app.request(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { app, send, ledger: worker.ledger };
}

const input = { task: "imagine", prompt: "a mug in space" };
const later = { prefer: "respond-async" };

test("it takes one prediction at a time and answers 409 to the next, which leaves nothing behind", async () => {
  const { runTask, begun, letGo } = waitingTask();
  const { send, ledger } = start(runTask);
  expect((await send("PUT", "/predictions/a", { input }, later)).status).toBe(202);
  await begun();
  expect(await (await send("GET", "/health-check")).json()).toMatchObject({ status: "BUSY" });
  expect((await send("POST", "/predictions", { input }, later)).status).toBe(409);
  expect((await send("PUT", "/predictions/b", { input }, later)).status).toBe(409);
  expect((await send("PUT", "/predictions/a", { input }, later)).status).toBe(202);
  expect((await ledger.open()).map(({ id }) => id)).toEqual(["a"]);
  letGo();
  await until(async () => (await (await send("GET", "/predictions/a")).text()).includes('"status":"succeeded"'));
  await until(async () => (await (await send("GET", "/health-check")).text()).includes("READY"));
  expect((await send("PUT", "/predictions/b", { input })).status).toBe(200);
});

test("what a gateway has queued in another store is refused with the reason; a direct request is taken", async () => {
  const { send, ledger } = start(countingTask(1).runTask);
  const queued = { [queuedHeader]: "true" };
  const refused = await send("PUT", "/predictions/a", { input }, queued);
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: { code: "bad_config", message: expect.stringContaining("STORE") } },
  ]);
  expect(await ledger.read("a")).toBeUndefined();
  const { request } = await ledger.submit(imagineRequest("b"));
  expect((await send("PUT", "/predictions/b", { input: request.input }, queued)).status).toBe(200);
  expect((await send("PUT", "/predictions/c", { input })).status).toBe(200);
});

test("ping is 204 while the model loads, 200 when it can be used, 503 when it never will", async () => {
  let loaded = (_: unknown) => {};
  const { runTask } = countingTask(1);
  const loading = start(runTask, { ready: new Promise((resolve) => (loaded = resolve)) });
  expect((await loading.send("GET", "/ping")).status).toBe(204);
  expect((await loading.send("PUT", "/predictions/a", { input })).status).toBe(409);
  loaded(1);
  await until(async () => (await loading.send("GET", "/ping")).status === 200);
  const broken = start(runTask, { ready: Promise.reject(new Error("no weights")) });
  await until(async () => (await broken.send("GET", "/ping")).status === 503);
  expect(await (await broken.send("GET", "/health-check")).json()).toMatchObject({ status: "SETUP_FAILED" });
});

test("an invocation answers with the finished prediction, a picture in the request included", async () => {
  const { runTask } = countingTask(3);
  const { send, ledger } = start(runTask);
  const picture = `data:image/png;base64,${Buffer.from(await samplePicture()).toString("base64")}`;
  const owner = { id: "7", name: "ann" };
  const learn = { task: "learn", picture, name: "mug", owner };
  const response = await send("POST", "/invocations", { id: "a", input: learn });
  expect(await response.json()).toMatchObject({ status: "succeeded", id: "a" });
  expect((await ledger.read("a"))?.request).toMatchObject({
    userId: "7",
    input: { picture: expect.stringMatching(/^uploads\/7\//) },
  });
});

test("a failure that may go away is repeated here, also without a gateway; one that stays is told", async () => {
  const passing = start(failingTask(2).runTask);
  expect(await (await passing.send("POST", "/predictions", { input })).json()).toMatchObject({ status: "succeeded" });
  const staying = start(failingTask(9).runTask);
  expect(await (await staying.send("POST", "/invocations", { input })).json()).toMatchObject({
    status: "failed",
    error: "no memory",
  });
});

test("with a secret it obeys the gateway alone: not strangers, not people whom the bot signs for", async () => {
  const { runTask } = countingTask(1);
  const { app, send } = start(runTask, { secret });
  const body = new TextEncoder().encode(JSON.stringify({ input }));
  const path = "/invocations";
  const as = async (identity: typeof ann) => {
    const headers = await signRequest(secret, identity, { method: "POST", path, body }, Date.now());
    return (await app.request(path, { method: "POST", headers, body })).status;
  };
  expect((await send("POST", path, { input })).status).toBe(401);
  expect([await as(ann), await as(bot)]).toEqual([403, 200]);
  expect((await send("GET", "/ping")).status).toBe(200);
});

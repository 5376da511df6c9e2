import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFunctionClient, type FunctionClient } from "../../bot/function-client.ts";
import { routes } from "../../shared/api.ts";
import { ImagineInput, type JobEvent, Prediction } from "../../shared/job.ts";
import { writeJobEvent } from "../../shared/job-stream.ts";
import { person, secret } from "../http/test-gateway.ts";

const ada = person("101", "1");
const input = ImagineInput.parse({ task: "imagine", prompt: "a mug" });
const job = Prediction.parse({ id: "j1", input, status: "processing", created_at: "2026-08-01T00:00:00Z" });

let app: Hono;
let server: Server;
let client: FunctionClient;
let asked: string[];
/** Waits asked of the clock, which pass at once. */
let slept: number[];

beforeEach(async () => {
  app = new Hono();
  asked = [];
  slept = [];
  app.use(async (context, next) => {
    asked.push(`${context.req.method} ${context.req.path}`);
    await next();
  });
  server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: (request) => app.fetch(request), hostname: "127.0.0.1", port: 0 }, () =>
      resolve(started as Server),
    );
  });
  const clock = { now: () => Date.now(), sleep: async (ms: number) => void slept.push(ms) };
  client = createFunctionClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, secret, clock);
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test("the gateway's words reach the person unchanged", async () => {
  app.get("/drafts/:id", (context) => context.json({ error: { code: "not_found", message: "It is gone." } }, 404));
  const call = client.call(routes.readDraft, ada, { id: "a/b" });
  await expect(call).rejects.toMatchObject({ name: "UserError", code: "not_found", message: "It is gone." });
  expect(asked).toEqual(["GET /drafts/a%2Fb"]);
});

test("a gateway that restarts is asked again", async () => {
  let times = 0;
  app.get("/predictions/:id", (context) => (++times < 2 ? context.text("Bad gateway", 502) : context.json(job)));
  expect(await client.call(routes.readPrediction, ada, { id: "j1" })).toMatchObject({ id: "j1" });
  expect(times).toBe(2);
});

test("a refusal is not repeated", async () => {
  app.put("/predictions/:id", (context) => context.json({ error: { code: "too_many", message: "Wait." } }, 429));
  await expect(client.call(routes.putPrediction, ada, { id: "j1", body: { input } })).rejects.toThrow("Wait.");
  expect(asked).toHaveLength(1);
});

test("an answer that is not the contract's is a bug, not a message", async () => {
  app.get("/concepts", (context) => context.json({ concepts: [{ id: 5 }] }));
  await expect(client.call(routes.listConcepts, ada)).rejects.toMatchObject({ name: "ZodError" });
});

test("a call that takes too long ends with what to do", async () => {
  app.get("/concepts", () => new Promise(() => {}));
  const call = client.call(routes.listConcepts, ada, { timeoutMs: 50 });
  await expect(call).rejects.toMatchObject({ code: "unavailable" });
});

test("a connection that breaks in the middle of an answer is a gateway that is away", async () => {
  const broken = (type: string) =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"concepts":'));
          setTimeout(() => server.closeAllConnections(), 50);
        },
      }),
      { headers: { "content-type": type } },
    );
  app.get("/concepts", () => broken("application/json"));
  app.get("/files/*", () => broken("image/png"));
  const away = { name: "UserError", code: "unavailable" };
  await expect(client.call(routes.listConcepts, ada)).rejects.toMatchObject(away);
  await expect(client.call(routes.readFile, ada, { key: "a.png" })).rejects.toMatchObject(away);
});

test("following goes on after a broken stream, up to the one completed", async () => {
  const progress = (step: number): JobEvent => ({ type: "progress", stage: "draw", step, total: 2 });
  const completed: JobEvent = { type: "completed", prediction: { ...job, status: "canceled" } };
  const streams = [[progress(1)], [], [progress(1), progress(2), completed]];
  app.get("/predictions/:id/events", (context) =>
    context.text((streams.shift() ?? []).map((event) => writeJobEvent(event)).join("")),
  );
  const seen: string[] = [];
  for await (const event of client.follow("j1", ada, new AbortController().signal)) seen.push(event.type);
  expect(seen).toEqual(["progress", "progress", "progress", "completed"]);
});

test("following gives up when the gateway stays silent, and at once when the job is not theirs", async () => {
  const follow = async () => Array.fromAsync(client.follow("j1", ada, new AbortController().signal));
  app.get("/predictions/:id/events", (context) =>
    asked.length > 8 ? context.json({ error: { code: "not_found", message: "No." } }, 404) : context.text(""),
  );
  await expect(follow()).rejects.toMatchObject({ code: "unavailable" });
  expect(asked).toHaveLength(8);
  expect(slept.every((ms) => ms <= 10_000)).toBe(true);
  await expect(follow()).rejects.toMatchObject({ code: "not_found" });
});

import { afterAll, expect, test } from "vitest";
import { ErrorBody, routes } from "../../shared/api.ts";
import { identityHeaders } from "../../shared/identity.ts";
import { createFaultyStore, createMemoryStore, type Fault } from "../jobs/memory-store.ts";
import { ann, createTestGateway, describeMiddle, startDraft, teach } from "./test-gateway.ts";

const plan: Fault[] = [];
const memory = createMemoryStore();
const gateway = createTestGateway({
  paused: true,
  store: createFaultyStore(memory, plan),
  describe: async (input, files) => {
    if (input.click?.x === 1) throw new TypeError("secret internals");
    return describeMiddle(input, files);
  },
});
afterAll(() => gateway.close());

test("a bug is answered with a number that finds it in the log, and with nothing else", async () => {
  await startDraft(gateway, ann, "d1");
  const { status, body } = await gateway.call(ann, routes.describeDraft, "d1", { revision: 1, click: { x: 1, y: 0 } });
  const { error } = ErrorBody.parse(body);
  expect(status).toBe(500);
  expect(error.message).toContain(error.id);
  expect(JSON.stringify(body)).not.toContain("secret internals");
  const line = gateway.log.lines.find(({ fields }) => (fields as { id: string }).id === error.id);
  expect(line?.fields).toMatchObject({ error: new TypeError("secret internals") });
});

test("a store that does not answer is 503 with words, and the next request works", async () => {
  plan.push({ method: "get", key: /drafts/, times: 1 });
  expect((await gateway.call(ann, routes.readDraft, "d1")).status).toBe(503);
  expect((await gateway.call(ann, routes.readDraft, "d1")).status).toBe(200);
});

test("forgetting goes on past a concept that the store holds on to, tells that it failed, and ends it when asked again", async () => {
  for (const id of ["forget1", "forget2", "forget3", "forget4"]) await teach(gateway, ann, id, id);
  plan.push(
    { method: "get", key: /forget1\/meta/, times: 1 },
    { method: "delete", key: /forget3\/1\.safetensors/, times: 1 },
  );
  const first = await gateway.call(ann, routes.forgetMe);
  expect({ status: first.status, failed: first.body["failed"] }).toEqual({ status: 200, failed: 2 });
  const left = () => memory.keys().filter((key) => key.includes("forget") && key.startsWith("concepts/"));
  expect(new Set(left().map((key) => key.split("/")[1]))).toEqual(new Set(["forget1", "forget3"]));
  expect((await gateway.call(ann, routes.forgetMe)).body["failed"]).toBe(0);
  expect(memory.keys().filter((key) => key.includes("forget"))).toEqual([]);
});

test("what is not there, not JSON, or not as the contract says is told so", async () => {
  expect((await gateway.json(ann, "GET", "/nowhere")).status).toBe(404);
  expect((await gateway.json(ann, "POST", "/drafts", Buffer.from("{"))).body.error?.message).toContain("Expected JSON");
  const { status, body } = await gateway.json(ann, "POST", "/drafts", { id: "!", picture: 7 });
  expect(status).toBe(400);
  expect(body.error?.message).toMatch(/id: .*picture: /);
  expect((await gateway.json(ann, "POST", "/drafts", Buffer.alloc(300 * 1024))).status).toBe(413);
});

const nested = (begin: string, end: string, depth: number) => `${begin.repeat(depth)}1${end.repeat(depth)}`;

test.each<[string, string, string, string | Uint8Array]>([
  ["lists 100,000 deep", "PUT", "/predictions/h", nested("[", "]", 1e5)],
  ["jobs 20,000 deep", "PUT", "/predictions/h", nested('{"input":', "}", 2e4)],
  ["a prompt of lists", "PUT", "/predictions/h", `{"input":{"task":"imagine","prompt":${nested("[", "]", 5e4)}}}`],
  ["a job for a prototype", "PUT", "/predictions/h", '{"__proto__":{"input":{"task":"imagine","prompt":"x"}}}'],
  ["a task named like a method", "PUT", "/predictions/h", '{"input":{"task":"constructor"}}'],
  ["a setting for a prototype", "PUT", "/predictions/h", '{"input":{"task":"imagine","prompt":"x","__proto__":{}}}'],
  ["an id that is a prototype", "PUT", "/predictions/__proto__", '{"input":{"task":"imagine","prompt":"x"}}'],
  ["an id that climbs out", "PUT", "/predictions/..%2F..%2Fx", '{"input":{"task":"imagine","prompt":"x"}}'],
  ["an infinite count", "PUT", "/predictions/h", '{"input":{"task":"imagine","prompt":"x","count":1e999}}'],
  [
    "a key of 200,000 letters",
    "PUT",
    "/predictions/h",
    `{"input":{"task":"imagine","prompt":"x","${"k".repeat(2e5)}":1}}`,
  ],
  ["text that is no UTF-8", "PUT", "/predictions/h", Uint8Array.of(0xff, 0xfe, 0x7b)],
  [
    "a data URI of a page",
    "PUT",
    "/predictions/h",
    '{"input":{"task":"describe","picture":"data:text/html,<script>"}}',
  ],
  [
    "a picture that climbs out",
    "PUT",
    "/predictions/h",
    '{"input":{"task":"describe","picture":"uploads/101/../x.png"}}',
  ],
  ["a pickle as a picture", "POST", "/uploads", Buffer.from("80027d71002e", "hex")],
  ["a zip as a picture", "POST", "/uploads", Buffer.from(`504b0304${"00".repeat(40)}`, "hex")],
  [
    "a click outside the world",
    "POST",
    "/drafts",
    '{"id":"h","picture":"uploads/101/x.png","click":{"x":1e308,"y":-1}}',
  ],
  ["a file of 5,000 folders", "GET", `/files/${"a/".repeat(5_000)}x.png`, ""],
])("%s is refused in one short sentence, and nothing is stored", async (_, method, path, body) => {
  const before = memory.keys();
  const response = await gateway.json(ann, method, path, body === "" ? undefined : Buffer.from(body));
  expect([400, 404]).toContain(response.status);
  expect(response.body.error?.message.length).toBeLessThan(400);
  expect(memory.keys()).toEqual(before);
});

test("anybody may ask for health and the OpenAPI document, which names every route of the contract", async () => {
  const health = await (await gateway.app.request("/health-check")).json();
  expect(health).toMatchObject({ status: "READY", setup: { status: "succeeded" } });
  expect((await gateway.app.request("/ping")).status).toBe(200);
  const document = (await (await gateway.app.request("/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: Record<string, unknown>; securitySchemes: Record<string, { name: string }> };
  };
  expect(document.openapi).toBe("3.1.0");
  const security = [{ identity: [], timestamp: [], signature: [] }];
  for (const { path, method } of Object.values(routes)) {
    const described = document.paths[path.replace(/:(\w+)/g, "{$1}")];
    expect(described?.[method.toLowerCase()], path).toMatchObject({ security });
  }
  expect(document.paths).toMatchObject({ "/health-check": {}, "/ping": {} });
  const headers = Object.values(document.components.securitySchemes).map(({ name }) => name);
  expect(headers).toEqual(Object.values(identityHeaders));
  expect(JSON.stringify(document.components.schemas["Input"])).toContain('"imagine"');
});

import { afterAll, expect, test } from "vitest";
import { ErrorBody, routes } from "../../shared/api.ts";
import { createFaultyStore, createMemoryStore, type Fault } from "../jobs/memory-store.ts";
import { ann, createTestGateway, describeMiddle, startDraft } from "./test-gateway.ts";

const plan: Fault[] = [];
const gateway = createTestGateway({
  paused: true,
  store: createFaultyStore(createMemoryStore(), plan),
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

test("what is not there, not JSON, or not as the contract says is told so", async () => {
  expect((await gateway.json(ann, "GET", "/nowhere")).status).toBe(404);
  expect((await gateway.json(ann, "POST", "/drafts", Buffer.from("{"))).body.error?.message).toContain("Expected JSON");
  const { status, body } = await gateway.json(ann, "POST", "/drafts", { id: "!", picture: 7 });
  expect(status).toBe(400);
  expect(body.error?.message).toMatch(/id: .*picture: /);
  expect((await gateway.json(ann, "POST", "/drafts", Buffer.alloc(300 * 1024))).status).toBe(413);
});

test("anybody may ask for health and the OpenAPI document, which names every route of the contract", async () => {
  const health = await (await gateway.app.request("/health-check")).json();
  expect(health).toMatchObject({ status: "READY", setup: { status: "succeeded" } });
  expect((await gateway.app.request("/ping")).status).toBe(200);
  const document = (await (await gateway.app.request("/openapi.json")).json()) as {
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: Record<string, unknown> };
  };
  expect(document.openapi).toBe("3.1.0");
  for (const { path, method } of Object.values(routes)) {
    expect(document.paths[path.replace(/:(\w+)/g, "{$1}")], path).toHaveProperty(method.toLowerCase());
  }
  expect(JSON.stringify(document.components.schemas["Input"])).toContain('"imagine"');
});

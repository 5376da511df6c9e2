import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { hostedVision } from "../../functions/vision/hosted.ts";
import type { Vision } from "../../functions/vision/vision.ts";

interface Seen {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}
type Answer = { readonly status?: number; readonly json?: unknown; readonly raw?: string; readonly delayMs?: number };

let answer: Answer = {};
const seen: Seen[] = [];
const warnings: unknown[] = [];

/** Speaks as Hugging Face Inference does: chat completions, and image classification with the picture as the body. */
const server = createServer((request, response) => void answerTo(request, response));

async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = "", headers } = request;
  const body = await bodyOf(request);
  seen.push({ path: url, authorization: headers.authorization, type: headers["content-type"], body });
  if (answer.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, answer.delayMs));
  response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
  response.end(answer.raw ?? JSON.stringify(answer.json));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const chat = (content: unknown, logprobs?: number[]) => ({
  id: "1",
  object: "chat.completion",
  model: "m",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content },
      finish_reason: "stop",
      ...(logprobs && { logprobs: { content: logprobs.map((logprob) => ({ token: "t", logprob })) } }),
    },
  ],
});

const local: Vision = {
  segmenter: { encode: async () => async () => [] },
  captioner: { caption: async () => ({ text: "a local mug", confidence: 0.3 }) },
  classifier: { sureAbove: 0, classify: async () => [{ label: "local", score: 1 }] },
};
const crop = { width: 4, height: 4, data: new Uint8Array(48).fill(200) };
let time = 0;
let base = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  seen.length = 0;
  warnings.length = 0;
});

const open = () =>
  hostedVision({
    token: "hf_secret",
    captioner: `${base}/caption`,
    classifier: `${base}/classify`,
    local,
    warn: (message, fields) => warnings.push({ message, fields }),
    timeoutMs: 1_500,
    restMs: 1_000,
    now: () => time,
  });

test("a caption is asked from a vision-language chat, with the crop as a PNG and the token in the header", async () => {
  answer = { json: chat('"A red mug with a white handle."', [Math.log(0.8), Math.log(0.5)]) };
  const { text, confidence } = await open().captioner.caption(crop);
  expect(text).toBe("A red mug with a white handle");
  expect(confidence).toBeCloseTo(Math.sqrt(0.4));
  expect(seen).toMatchObject([{ path: "/caption/v1/chat/completions", authorization: "Bearer hf_secret" }]);
  const { messages } = JSON.parse(String(seen[0]?.body));
  const png = Buffer.from(messages[0].content[1].image_url.url.split(",")[1], "base64");
  expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 4 });
});

test("class words come likeliest first, with the first of their synonyms", async () => {
  answer = {
    json: [
      { label: "Egyptian cat", score: 0.2 },
      { label: "tabby, tabby cat", score: 0.7 },
      { label: "lynx", score: 0.1 },
    ],
  };
  expect(await open().classifier.classify(crop, 2)).toEqual([
    { label: "tabby", score: 0.7 },
    { label: "Egyptian cat", score: 0.2 },
  ]);
  expect(seen[0]?.path).toMatch(/^\/classify/);
});

test("errors, time-outs and answers that make no sense are answered by the local model", async () => {
  const answers: Answer[] = [
    { status: 503, json: { error: "loading" } },
    { status: 401, json: { error: "bad token" } },
    { status: 500, raw: "<html>" },
    { delayMs: 2_500, json: chat("late") },
    { raw: "{" },
    { json: { choices: [] } },
    { json: chat("") },
    { json: chat(["?"]) },
    { json: chat("x".repeat(500)) },
    { json: chat("bald bald bald man") },
    { raw: JSON.stringify(chat("a mug")) + " ".repeat(2_000_000) },
  ];
  for (const bad of answers) {
    answer = bad;
    expect((await open().captioner.caption(crop)).text, JSON.stringify(bad).slice(0, 80)).toBe("a local mug");
  }
  expect(warnings).toHaveLength(answers.length);
  expect(seen).toHaveLength(answers.length);
  expect(JSON.stringify(warnings)).not.toContain("hf_secret");
  answer = { json: [{ label: 7 }] };
  expect(await open().classifier.classify(crop, 2)).toEqual([{ label: "local", score: 1 }]);
});

test("an outage costs one time-out: the local model answers for a while before the service is asked again", async () => {
  const vision = open();
  answer = { status: 503, json: { error: "loading" } };
  for (let i = 0; i < 4; i++) await vision.captioner.caption(crop);
  expect(seen).toHaveLength(1);
  time += 1_001;
  answer = { json: chat("a green mug") };
  expect((await vision.captioner.caption(crop)).text).toBe("a green mug");
});

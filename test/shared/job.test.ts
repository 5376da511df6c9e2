import { expect, test } from "vitest";
import { type JobEvent, JobInput, Prediction } from "../../shared/job.ts";
import { parseJobEvent, readJobEvents, writeJobEvent } from "../../shared/job-stream.ts";
import { sseParser } from "../../shared/sse.ts";

const owner = { id: "81384788765712384", name: "ann" };
const learn = { task: "learn", picture: "uploads/abc.png", click: { x: 0.5, y: 0.25 }, name: "MyCat", owner };

test("learn and imagine fill in the defaults that the README promises", () => {
  expect(JobInput.parse(learn)).toMatchObject({
    name: "mycat",
    mode: "product",
    steps: 100,
    batch: 4,
    morePictures: [],
    improvements: {},
  });
  expect(JobInput.parse({ task: "imagine", prompt: " <mycat> in space " })).toMatchObject({
    prompt: "<mycat> in space",
    count: 4,
    negative: "",
    sampler: "dpmpp-2m-karras",
  });
});

test.each([
  ["no task", {}],
  ["an unknown task", { task: "train" }],
  ["an unknown key", { ...learn, stepps: 100 }],
  ["an outside URL", { ...learn, picture: "https://example.com/cat.png" }],
  ["a path out of the store", { ...learn, picture: "../secret" }],
  ["a data URI that is no picture", { ...learn, picture: "data:text/html;base64,AAAA" }],
  ["a data URI of a format that is not read", { ...learn, picture: "data:image/tiff;base64,SUkqAA==" }],
  ["a data URI that is not base64", { ...learn, picture: "data:image/png;base64,<x>" }],
  ["a click outside the picture", { ...learn, click: { x: 1.5, y: 0 } }],
  ["a click that is no number", { ...learn, click: { x: Number.NaN, y: 0 } }],
  ["no steps", { ...learn, steps: 0 }],
  ["a million steps", { ...learn, steps: 1_000_000 }],
  ["half a step", { ...learn, steps: 1.5 }],
  ["six pictures", { ...learn, morePictures: new Array(5).fill({ picture: "uploads/b.png" }) }],
  ["a further picture from outside", { ...learn, morePictures: [{ picture: "https://example.com/b.png" }] }],
  ["an unknown improvement", { ...learn, improvements: { magic: true } }],
  ["a mask floor above 1", { ...learn, improvements: { maskFloor: 1.1 } }],
  ["a mask floor that is no number", { ...learn, improvements: { maskFloor: Number.NaN } }],
  ["a negative background", { ...learn, improvements: { background: -1 } }],
  ["an unknown update", { ...learn, improvements: { update: "sgd" } }],
  ["a bad name", { ...learn, name: "my cat" }],
  ["eleven pictures", { task: "imagine", prompt: "x", count: 11 }],
  ["a strength of 2", { task: "imagine", prompt: "x", strength: 2 }],
  ["an empty prompt", { task: "imagine", prompt: "  " }],
  ["a prompt too long", { task: "imagine", prompt: "x".repeat(1001) }],
  ["an odd size", { task: "imagine", prompt: "x", width: 100 }],
  ["an unknown sampler", { task: "imagine", prompt: "x", sampler: "magic" }],
  ["a negative seed", { task: "imagine", prompt: "x", seed: -1 }],
  ["endless guidance", { task: "imagine", prompt: "x", guidance: Number.POSITIVE_INFINITY }],
])("an input with %s is refused", (_, input) => expect(JobInput.safeParse(input).success).toBe(false));

test("a picture may come as a data URI", () => {
  expect(JobInput.safeParse({ ...learn, picture: "data:image/png;base64,iVBORw0KGgo=" }).success).toBe(true);
});

const prediction = Prediction.parse({
  id: "job1",
  input: learn,
  status: "succeeded",
  created_at: "2026-08-01T12:00:00Z",
});
const picture = { key: "jobs/job1/0.png", kind: "picture", width: 64, height: 64, alt: "", seed: 1 } as const;
const events: readonly JobEvent[] = [
  { type: "start", prediction },
  { type: "progress", stage: "learn", step: 10, total: 100, loss: { step: 10, loss: 0.1 }, etaMs: 500 },
  { type: "log", text: "two\nlines" },
  { type: "metric", name: "predict_time", value: 1.5 },
  { type: "output", output: { task: "imagine", pictures: [picture], concepts: [], seed: 1, notes: [] } },
  { type: "completed", prediction },
];

test("job events come back from the stream, and it ends with completed", async () => {
  const text =
    events.map((event, i) => writeJobEvent(event, String(i))).join("") + writeJobEvent({ type: "log", text: "late" });
  async function* body() {
    yield new TextEncoder().encode(text);
  }
  expect(await Array.fromAsync(readJobEvents(body()))).toEqual(events);
});

test("the stream is Cog's: chunk and index, source and data, name, value and mode, and the prediction itself", () => {
  const data = sseParser()(events.map((event) => writeJobEvent(event)).join("")).map((event) => JSON.parse(event.data));
  expect(data[0]).toMatchObject({ id: "job1", status: "succeeded" });
  expect(data[2]).toEqual({ source: "stdout", data: "two\nlines" });
  expect(data[3]).toEqual({ name: "predict_time", value: 1.5, mode: "replace" });
  expect(data[4]).toMatchObject({ index: 0, chunk: { task: "imagine" } });
});

test("events of other kinds are passed over", () => {
  expect(parseJobEvent({ event: "heartbeat", data: "?" })).toBeUndefined();
  expect(() => parseJobEvent({ event: "progress", data: "[]" })).toThrow();
});

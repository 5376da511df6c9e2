import { expect, test } from "vitest";
import { estimateQueue, learnTypical } from "../../functions/jobs/queue-estimate.ts";

const typicalMs = { learn: 60_000, imagine: 5_000 };

test("a place counts who is ahead, and the estimate adds up what they usually take", () => {
  const places = estimateQueue(
    [{ id: "r", task: "learn", startedAt: 0 }],
    [
      { id: "a", task: "imagine" },
      { id: "b", task: "learn" },
    ],
    { slots: 1, typicalMs, coldStartMs: 0, now: 40_000 },
  );
  expect([...places]).toEqual([
    ["r", { position: 0, etaMs: 20_000 }],
    ["a", { position: 1, etaMs: 25_000 }],
    ["b", { position: 2, etaMs: 85_000 }],
  ]);
});

test("a cold start is in the estimate, once for each slot", () => {
  const waiting = ["a", "b", "c"].map((id) => ({ id, task: "imagine" as const }));
  const places = estimateQueue([], waiting, { slots: 2, typicalMs, coldStartMs: 90_000, now: 0 });
  expect(waiting.map(({ id }) => places.get(id)?.etaMs)).toEqual([95_000, 95_000, 100_000]);
});

test("what nobody has measured yet is not made up", () => {
  const places = estimateQueue([{ id: "r", task: "describe", startedAt: 0 }], [{ id: "a", task: "imagine" }], {
    slots: 1,
    typicalMs,
    coldStartMs: 0,
    now: 0,
  });
  expect([...places.values()].map(({ etaMs }) => etaMs)).toEqual([null, null]);
});

test("one odd run does not decide what is usual", () => {
  expect(learnTypical({}, "learn", 1_000)).toEqual({ learn: 1_000 });
  expect(learnTypical({ learn: 1_000 }, "learn", 11_000)).toEqual({ learn: 4_000 });
});

import { expect, test } from "vitest";
import { markExpiry, sweepExpired } from "../../functions/jobs/expiry.ts";
import { createMemoryStore } from "./memory-store.ts";

const day = 86_400_000;

test("what was marked goes after a week, folder and all, and nothing else does", async () => {
  let now = Date.UTC(2026, 0, 1, 13);
  const store = createMemoryStore(() => now);
  for (const key of [
    "jobs/a/request.json",
    "jobs/a/files/x.png",
    "jobs/ab/request.json",
    "uploads/1/a.png",
    "concepts/c/1.safetensors",
  ]) {
    await store.put(key, new Uint8Array(1));
  }
  await markExpiry(store, "jobs/a", now);
  await markExpiry(store, "uploads/1/a.png", now);
  now += 7 * day;
  expect(await sweepExpired(store, now)).toBe(0);
  now += 1 * day;
  expect(await sweepExpired(store, now)).toBe(3);
  expect(store.keys()).toEqual(["concepts/c/1.safetensors", "jobs/ab/request.json"]);
});

test("an upload that was sent again lives a week from then", async () => {
  let now = Date.UTC(2026, 0, 1);
  const store = createMemoryStore(() => now);
  const upload = async () => {
    await markExpiry(store, "uploads/1/a.png", now);
    await store.put("uploads/1/a.png", new Uint8Array(1));
  };
  await upload();
  now += 4 * day;
  await upload();
  now += 5 * day;
  expect(await sweepExpired(store, now)).toBe(0);
  now += 4 * day;
  expect(await sweepExpired(store, now)).toBe(1);
  expect(store.keys()).toEqual([]);
});

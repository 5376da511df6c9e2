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

test("what was written again goes a week after that, each object by its own time, and no marker stays", async () => {
  let now = Date.UTC(2026, 0, 1, 13);
  const store = createMemoryStore(() => now);
  const write = (key: string) => store.put(key, new Uint8Array(1));
  const keys = ["deliveries/1.json", "drafts/a/files/1.png", "drafts/a/files/2.png", "drafts/a/files/3.png"];
  await markExpiry(store, "deliveries/1.json", now);
  await markExpiry(store, "drafts/a", now);
  for (const key of keys) await write(key);
  now += 3 * day;
  await write("drafts/a/files/2.png");
  now += 3 * day;
  for (const key of ["deliveries/1.json", "drafts/a/files/3.png"]) await write(key);
  const goes: Record<number, number> = {};
  for (let days = 6; days < 16; days++, now += day) {
    const removed = await sweepExpired(store, now);
    if (removed > 0) goes[days] = removed;
  }
  expect(goes).toEqual({ 8: 1, 11: 1, 14: 2 });
  expect(store.keys()).toEqual([]);
});

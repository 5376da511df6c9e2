import { expect, test } from "vitest";
import { z } from "zod";
import { createDocument, readDocument, updateDocument, writeDocument } from "../../functions/jobs/document.ts";
import { createMemoryStore } from "./memory-store.ts";

const Name = z.strictObject({ name: z.string().max(5) });
const long = { name: "longer" };

test("a value that could not be read again is not written, and what is there stays", async () => {
  const store = createMemoryStore();
  const refusal = /jobs\/a is not written, for it would not hold what it should/;
  await expect(createDocument(store, "jobs/a", Name, long)).rejects.toThrow(refusal);
  expect(store.keys()).toEqual([]);
  expect(await createDocument(store, "jobs/a", Name, { name: "ann" })).toBe(true);
  const before = await store.get("jobs/a");
  await expect(updateDocument(store, "jobs/a", Name, () => long)).rejects.toThrow(refusal);
  await expect(writeDocument(store, "jobs/a", Name, long)).rejects.toThrow(refusal);
  expect(await store.get("jobs/a")).toEqual(before);
  expect(await readDocument(store, "jobs/a", Name)).toEqual({ name: "ann" });
});

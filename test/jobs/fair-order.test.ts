import fc from "fast-check";
import { expect, test } from "vitest";
import { fairOrder, type ServedTurns, serve, type WaitingJob } from "../../functions/jobs/fair-order.ts";

const job = (id: string, serverId: string | null, userId: string, createdAt = 0): WaitingJob => ({
  id,
  serverId,
  userId,
  createdAt,
});

test("one person with many jobs delays another by one job", () => {
  const many = Array.from({ length: 100 }, (_, i) => job(`a${String(i).padStart(3, "0")}`, "1", "ann", i));
  const order = fairOrder([...many, job("b", "1", "bob", 500)], {});
  expect(order.map((j) => j.id).slice(0, 3)).toEqual(["a000", "b", "a001"]);
});

test("servers take turns before their members do", () => {
  const order = fairOrder(
    [job("a1", "1", "ann", 1), job("b1", "1", "bob", 2), job("c1", "2", "cid", 3), job("c2", "2", "cid", 4)],
    {},
  );
  expect(order.map((j) => j.id)).toEqual(["a1", "c1", "b1", "c2"]);
});

test("a turn taken is remembered between calls", () => {
  const waiting = [job("a1", "1", "ann", 1), job("b1", "2", "bob", 2)];
  const served = serve({}, job("a0", "1", "ann"));
  expect(fairOrder(waiting, served).map((j) => j.id)).toEqual(["b1", "a1"]);
});

test("the record of turns stays small and keeps the latest", () => {
  let served: ServedTurns = {};
  for (let i = 0; i < 50; i++) served = serve(served, job(`j${i}`, null, `u${i}`), 10);
  expect(Object.keys(served)).toHaveLength(10);
  expect(served["direct/u49"]).toBe(50);
});

test("every job is served once, and nobody gets two turns while another of the same server waits", () => {
  const jobs = fc.array(
    fc.record({
      serverId: fc.constantFrom("1", "2", null),
      userId: fc.constantFrom("ann", "bob", "cid"),
      createdAt: fc.nat(50),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(jobs, (list) => {
      const waiting = list.map((j, i) => ({ ...j, id: `j${i}` }));
      const order = fairOrder(waiting, {});
      expect(order.map((j) => j.id).sort()).toEqual(waiting.map((j) => j.id).sort());
      for (const server of ["1", "2"]) {
        const local = order.filter((j) => j.serverId === server);
        local.forEach((current, i) => {
          const next = local[i + 1];
          if (next?.userId !== current.userId) return;
          // The same member twice in a row: only when nobody else of that server has anything left.
          expect(local.slice(i + 1).every((j) => j.userId === current.userId)).toBe(true);
        });
      }
    }),
    { numRuns: 60 },
  );
});

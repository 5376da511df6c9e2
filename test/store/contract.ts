import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../functions/store/open.ts";
import { listAll, type Store, updateObject } from "../../functions/store/store.ts";
import type { Race } from "./racer.ts";

/** Everything that a backend of the store has to do, whatever it is made of. `url` gives an empty store for this run. */
export function storeContract(name: string, url: () => Promise<string>): void {
  describe(`${name} store`, () => {
    let address = "";
    let store: Store;
    beforeAll(async () => {
      address = await url();
      store = await openStore(address);
    });
    plainContract(() => store);
    conditionContract(() => store);
    listContract(() => store);
    keyContract(() => store);
    faultContract(
      () => store,
      () => address,
    );
  });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array | undefined): string | undefined => data && new TextDecoder().decode(data);
const slowMs = 60_000;
let keys = 0;
const freshKey = (): string => `contract/${++keys}/value.json`;

function plainContract(store: () => Store): void {
  test("what was put is read back, byte for byte, with its size and a date", async () => {
    const key = freshKey();
    const data = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256);
    const put = await store().put(key, data);
    const found = await store().get(key);
    expect(found?.data).toEqual(data);
    expect(found).toMatchObject({ key, bytes: 70_000, version: put.ok && put.version });
    expect(Math.abs((found?.modified.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const { data: _, ...head } = found ?? { data: undefined };
    expect(await store().head(key)).toEqual(head);
  });

  test("an empty object is an object", async () => {
    const key = freshKey();
    await store().put(key, new Uint8Array());
    expect((await store().get(key))?.data).toEqual(new Uint8Array());
  });

  test("what is not there reads as undefined and deletes as false", async () => {
    const key = freshKey();
    expect(await store().get(key)).toBeUndefined();
    expect(await store().head(key)).toBeUndefined();
    expect(await store().delete(key)).toBe(false);
  });

  test("a put without condition overwrites", async () => {
    const key = freshKey();
    await store().put(key, bytes("one"));
    await store().put(key, bytes("two"));
    expect(text((await store().get(key))?.data)).toBe("two");
  });

  test("a deleted object is gone and can be created again", async () => {
    const key = freshKey();
    await store().put(key, bytes("one"));
    expect(await store().delete(key)).toBe(true);
    expect(await store().get(key)).toBeUndefined();
    expect((await store().put(key, bytes("two"), { ifNoneMatch: "*" })).ok).toBe(true);
    expect(text((await store().get(key))?.data)).toBe("two");
  });

  test("a key may be the beginning of another key", async () => {
    await store().put("nest/a", bytes("1"));
    await store().put("nest/a/b", bytes("2"));
    await store().delete("nest/a");
    expect(await store().get("nest/a")).toBeUndefined();
    expect(text((await store().get("nest/a/b"))?.data)).toBe("2");
  });

  test("changing what was given or got does not change what is stored", async () => {
    const key = freshKey();
    const data = bytes("abc");
    await store().put(key, data);
    data.fill(0);
    (await store().get(key))?.data.fill(0);
    expect(text((await store().get(key))?.data)).toBe("abc");
  });
}

function conditionContract(store: () => Store): void {
  test("ifNoneMatch creates once", async () => {
    const key = freshKey();
    expect((await store().put(key, bytes("a"), { ifNoneMatch: "*" })).ok).toBe(true);
    expect(await store().put(key, bytes("b"), { ifNoneMatch: "*" })).toEqual({ ok: false, reason: "conflict" });
    expect(text((await store().get(key))?.data)).toBe("a");
  });

  test("ifMatch writes over that version alone", async () => {
    const key = freshKey();
    const first = await store().put(key, bytes("a"));
    if (!first.ok) throw new Error("put without condition lost");
    const second = await store().put(key, bytes("b"), { ifMatch: first.version });
    expect(second.ok).toBe(true);
    expect(await store().put(key, bytes("c"), { ifMatch: first.version })).toEqual({ ok: false, reason: "conflict" });
    expect(text((await store().get(key))?.data)).toBe("b");
    expect((await store().head(key))?.version).toBe(second.ok && second.version);
  });

  test("ifMatch on an absent object, or with an invented version, is a conflict", async () => {
    const key = freshKey();
    const first = await store().put(key, bytes("a"));
    await store().delete(key);
    expect((await store().put(key, bytes("b"), { ifMatch: first.ok ? first.version : "" })).ok).toBe(false);
    expect(await store().get(key)).toBeUndefined();
    await store().put(key, bytes("c"));
    for (const ifMatch of ["", "invented", "../../x.1", "0123456789abcdef01234567.1"]) {
      expect((await store().put(key, bytes("d"), { ifMatch })).ok).toBe(false);
    }
  });

  test("a version from before a deletion does not match the object created after it", async () => {
    const key = freshKey();
    const old = await store().put(key, bytes("old"));
    await store().delete(key);
    await store().put(key, bytes("new"));
    expect((await store().put(key, bytes("stale"), { ifMatch: old.ok ? old.version : "" })).ok).toBe(false);
    expect(text((await store().get(key))?.data)).toBe("new");
  });

  test("updateObject leaves everything alone when there is nothing to change", async () => {
    const key = freshKey();
    const put = await store().put(key, bytes("a"));
    expect(text(await updateObject(store(), key, () => undefined))).toBe("a");
    expect((await store().head(key))?.version).toBe(put.ok && put.version);
  });
}

function listContract(store: () => Store): void {
  test("a list has the keys of the prefix in byte order, page after page", async () => {
    const names = [
      "list/b",
      "list/a/z",
      "list/a-b",
      "list/a",
      "list/a/b/c",
      "list/ab",
      "list/A",
      "list/a.json",
      "lisp",
    ];
    for (const name of names) await store().put(name, bytes(name));
    const wanted = names.filter((name) => name.startsWith("list/")).sort();
    const keysOf = async (prefix: string) => (await store().list(prefix)).entries.map(({ key }) => key);
    expect(await keysOf("list/")).toEqual(wanted);
    expect(await keysOf("list/a")).toEqual(wanted.filter((name) => name.startsWith("list/a")));
    expect(await keysOf("list/a/")).toEqual(["list/a/b/c", "list/a/z"]);
    expect(await keysOf("nothing/")).toEqual([]);
    const paged: string[] = [];
    for (let after: string | undefined = "list/"; after !== undefined; ) {
      const page = await store().list("list/", { limit: 3, ...(after === "list/" ? {} : { after }) });
      expect(page.entries.length).toBeLessThanOrEqual(3);
      paged.push(...page.entries.map(({ key }) => key));
      after = page.next;
    }
    expect(paged).toEqual(wanted);
    expect((await Array.fromAsync(listAll(store(), "list/"))).map(({ key }) => key)).toEqual(wanted);
  });

  test("a list tells each object's version and size, and forgets the deleted", async () => {
    await store().put("listed/x", bytes("12345"));
    await store().put("listed/y", bytes("1"));
    await store().delete("listed/y");
    expect((await store().list("listed/")).entries).toEqual([await store().head("listed/x")]);
  });
}

function keyContract(store: () => Store): void {
  const bad = [
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    "..",
    "a/../b",
    "a/.hidden",
    "a b",
    "a\\b",
    "a@",
    "ä",
    "a\0b",
    "x".repeat(600),
    "C:x",
    "%2e%2e",
  ];
  test.each(bad)("the key %j is refused by every method", async (key) => {
    const refused = { code: "bad_request" };
    await expect(async () => store().get(key)).rejects.toMatchObject(refused);
    await expect(async () => store().head(key)).rejects.toMatchObject(refused);
    await expect(async () => store().put(key, bytes("x"))).rejects.toMatchObject(refused);
    await expect(async () => store().delete(key)).rejects.toMatchObject(refused);
    if (key !== "" && key !== "a/") await expect(async () => store().list(key)).rejects.toMatchObject(refused);
  });
}

/** Printed at the end of a run: how often each fault was tried. */
const faults = new Map<string, number>();
const count = (fault: string): unknown => faults.set(fault, (faults.get(fault) ?? 0) + 1);

function faultContract(store: () => Store, url: () => string): void {
  const running: ChildProcess[] = [];
  const start = async () => {
    const child = spawn(process.execPath, [`${import.meta.dirname}/racer.ts`, url()], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    running.push(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('"ready"');
    return {
      child,
      answer: async () => JSON.parse((await lines.next()).value ?? "null"),
      ask: (race: Race) => child.stdin.write(`${JSON.stringify(race)}\n`),
    };
  };
  type Racer = Awaited<ReturnType<typeof start>>;
  let racers: readonly Racer[] = [];

  /** Lets a fresh process work and kills it soon; answers the last generation that it was told is stored. */
  const killed = async (race: Race, afterMs: number): Promise<number> => {
    const racer = await start();
    racer.ask(race);
    let answered = await racer.answer();
    await sleep(afterMs);
    racer.child.kill("SIGKILL");
    for (let more = await racer.answer(); more !== null; more = await racer.answer()) answered = more;
    if (racer.child.signalCode === null) await once(racer.child, "exit");
    return answered;
  };

  beforeAll(async () => {
    racers = await Promise.all(Array.from({ length: 4 }, start));
  }, slowMs);

  afterAll(() => {
    for (const child of running) child.kill("SIGKILL");
    const told = Array.from(faults, ([fault, times]) => `${times} × ${fault}`);
    process.stdout.write(`faults tried: ${told.join(", ")}\n`);
  });

  test("of 20 creators in 4 processes exactly one wins", { timeout: slowMs }, async () => {
    for (let round = 0; round < 10; round++) {
      const key = freshKey();
      for (const racer of racers) racer.ask({ what: "create", key, count: 5 });
      const wins: number[] = await Promise.all(racers.map(({ answer }) => answer()));
      expect(wins.reduce((sum, won) => sum + won, 0)).toBe(1);
      expect(text((await store().get(key))?.data)).toBe(String(racers[wins.indexOf(1)]?.child.pid));
      count("race of 20 creators");
    }
  });

  test("no increment is lost between 4 processes that compare and swap", { timeout: slowMs }, async () => {
    const key = freshKey();
    for (const racer of racers) racer.ask({ what: "increment", key, count: 8 });
    await Promise.all(racers.map(({ answer }) => answer()));
    expect(text((await store().get(key))?.data)).toBe("32");
    count("race of 4 incrementers");
  });

  test("kill -9 in mid-write leaves the answered value or the next, whole", { timeout: slowMs }, async () => {
    for (let round = 0; round < 5; round++) {
      const key = freshKey();
      const answered = await killed({ what: "fill", key, bytes: 300_000 }, round * 9);
      const found = await store().get(key);
      const value = found?.data[0] ?? -1;
      expect(Buffer.from(found?.data ?? []).equals(Buffer.alloc(300_000, value))).toBe(true);
      expect([answered % 251, (answered + 1) % 251]).toContain(value);
      expect((await store().put(key, bytes("on"), { ifMatch: found?.version ?? "" })).ok).toBe(true);
      count("kill -9 of an overwriting process");
    }
  });

  test("kill -9 between creating and deleting leaves a whole object or none", { timeout: slowMs }, async () => {
    for (let round = 0; round < 3; round++) {
      const key = freshKey();
      await killed({ what: "churn", key, bytes: 100_000 }, round * 9);
      const found = await store().get(key);
      if (found) expect(Buffer.from(found.data).equals(Buffer.alloc(100_000, found.data[0]))).toBe(true);
      expect((await store().put(key, bytes("on"), { ifNoneMatch: "*" })).ok).toBe(found === undefined);
      await store().delete(key);
      expect((await store().list(key)).entries).toEqual([]);
      count("kill -9 of a creating and deleting process");
    }
  });
}

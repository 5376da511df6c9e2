// A competitor in its own process: `racer.ts <store url>`. Says "ready", then does what each line of JSON asks for and answers
// with one line of JSON (several for `fill` and `churn`, which go on until they are killed).
import { createInterface } from "node:readline";
import { openStore } from "../../functions/store/open.ts";
import { updateObject } from "../../functions/store/store.ts";

export interface Race {
  readonly what: "create" | "increment" | "fill" | "churn";
  readonly key: string;
  /** Creators at once, or increments one after another. */
  readonly count?: number;
  /** Size of what fill and churn write. */
  readonly bytes?: number;
}

const store = await openStore(process.argv[2] ?? "");
const encode = (value: number): Uint8Array => new TextEncoder().encode(String(value));
const say = (value: unknown): unknown => process.stdout.write(`${JSON.stringify(value)}\n`);

async function run({ what, key, count = 0, bytes = 0 }: Race): Promise<number> {
  const all = Array.from({ length: count });
  if (what === "create") {
    const results = all.map(() => store.put(key, encode(process.pid), { ifNoneMatch: "*" }));
    return (await Promise.all(results)).filter(({ ok }) => ok).length;
  }
  if (what === "increment") {
    for (const _ of all) {
      await updateObject(store, key, (data) => encode(Number(new TextDecoder().decode(data ?? encode(0))) + 1));
    }
    return count;
  }
  for (let generation = 1; ; generation++) {
    const data = new Uint8Array(bytes).fill(generation % 251);
    await store.put(key, data, what === "churn" ? { ifNoneMatch: "*" } : undefined);
    say(generation);
    if (what === "churn") await store.delete(key);
  }
}

say("ready");
for await (const line of createInterface(process.stdin)) say(await run(JSON.parse(line)));

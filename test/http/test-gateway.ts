import sharp from "sharp";
import { createLibrary } from "../../functions/concepts/library.ts";
import type { Describe, DrawDraft, NotesOn } from "../../functions/http/app-deps.ts";
import { createApp } from "../../functions/http/create-app.ts";
import { createBell } from "../../functions/jobs/bell.ts";
import { type Clock, systemClock } from "../../functions/jobs/clock.ts";
import { createDispatcher } from "../../functions/jobs/dispatcher.ts";
import { createLocalEngine } from "../../functions/jobs/engines/local.ts";
import { createLedger } from "../../functions/jobs/ledger.ts";
import type { TaskRunner } from "../../functions/jobs/runner.ts";
import type { Store } from "../../functions/store/store.ts";
import { cleanPicture } from "../../functions/tasks/clean-picture.ts";
import { encodeMask, maskFrom } from "../../functions/tensor/mask.ts";
import type { Route } from "../../shared/api.ts";
import type { ConceptMeta } from "../../shared/concept.ts";
import type { Candidate } from "../../shared/draft.ts";
import { type Identity, signRequest } from "../../shared/identity.ts";
import { DescribeOutput } from "../../shared/job.ts";
import { createMemoryStore } from "../jobs/memory-store.ts";
import { createMemoryLog, newId } from "../jobs/sample-jobs.ts";

export const secret = "a secret of at least thirty-two characters";

export const person = (id: string, server?: string, more: Partial<Identity> = {}): Identity => ({
  user: { id, name: `name${id}` },
  ...(server && { server }),
  moderator: false,
  roles: [],
  service: false,
  ...more,
});
export const ann = person("101", "1");
export const bob = person("102", "1");
export const bot = person("900", undefined, { service: true });

/** A white picture with a red square in the middle, PNG. */
export async function samplePicture(edge = 40): Promise<Uint8Array> {
  const square = { create: { width: edge / 2, height: edge / 2, channels: 3 as const, background: "red" } };
  const input = await sharp(square).png().toBuffer();
  const page = sharp({ create: { width: edge, height: edge, channels: 3, background: "white" } });
  return page.composite([{ input }]).png().toBuffer();
}

/** Finds the middle of any picture, in two sizes. */
export const describeMiddle: Describe = async (input, files) => {
  const { width, height } = await sharp(await files.read(input.picture)).metadata();
  const candidate = async (level: Candidate["level"], margin: number): Promise<Candidate> => {
    const inside = Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
      return Number(Math.min(x, y, 1 - x, 1 - y) > margin);
    });
    const mask = await files.write(`mask-${level}.png`, await encodeMask(maskFrom(inside, width, height)));
    const click = input.click ?? { x: 0.5, y: 0.5 };
    const box = { x: margin, y: margin, width: 1 - 2 * margin, height: 1 - 2 * margin };
    const caption = `a red ${level}`;
    const told = { caption, className: level, score: 0.9, sure: true, initialiser: "caption", words: [] } as const;
    return { level, click, box, mask, ...told, words: [] };
  };
  const candidates = [await candidate("object", 0.25), await candidate("part", 0.4)];
  return DescribeOutput.parse({ task: "describe", candidates, suggestedName: "red-object" });
};

const quickTask: TaskRunner = async function* (input, { files }) {
  yield { type: "log", text: `a ${input.task}` };
  const key = await files.write("picture.png", await samplePicture());
  yield {
    type: "output",
    output: {
      task: "imagine",
      pictures: [{ key, kind: "picture", width: 40, height: 40, alt: "" }],
      concepts: [],
      seed: 1,
      notes: [],
    },
  };
};

export interface TestGatewayOptions {
  readonly store?: Store;
  readonly runTask?: TaskRunner;
  readonly describe?: Describe;
  /** The real drawing is slow; without it a draft's picture is a small square. */
  readonly drawDraft?: DrawDraft;
  readonly notesOn?: NotesOn;
  readonly slots?: number;
  /** Leave jobs in the queue. */
  readonly paused?: boolean;
  readonly leaseMs?: number;
  readonly clock?: Clock;
}

/** The whole gateway over a store in memory and a task of the test's choice. */
export function createTestGateway(options: TestGatewayOptions = {}) {
  const store = options.store ?? createMemoryStore();
  const clock = options.clock ?? systemClock;
  const bell = createBell();
  const log = createMemoryLog();
  const ledger = createLedger(store, clock, log, options.leaseMs);
  const library = createLibrary(store);
  const worker = { store, ledger, clock, bell, log, newId, heartbeatMs: 20 };
  const engine = createLocalEngine(
    { ...worker, runTask: options.runTask ?? quickTask, ...(options.leaseMs && { leaseMs: options.leaseMs }) },
    options.slots === undefined ? {} : { slots: options.slots },
  );
  const dispatcher = createDispatcher({ store, ledger, engine, clock, bell, log, newId, tickMs: 25, idleTickMs: 25 });
  if (options.paused !== true) dispatcher.start();
  const closing = new AbortController();
  const app = createApp({
    ...{ store, ledger, engine, bell, clock, log, newId, library, secret, cleanPicture },
    queue: dispatcher.queue,
    describe: options.describe ?? describeMiddle,
    notesOn: options.notesOn ?? (() => []),
    drawDraft: options.drawDraft ?? (() => samplePicture(8)),
    closing: closing.signal,
    pollMs: 20,
  });

  /** A request signed for a person; a plain object becomes JSON. */
  const send = async (
    identity: Identity | undefined,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> => {
    const isBytes = body instanceof Uint8Array;
    const bytes = isBytes ? body : new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body));
    const signed =
      identity === undefined ? {} : await signRequest(secret, identity, { method, path, body: bytes }, clock.now());
    return app.request(path, {
      method,
      headers: { ...signed, ...headers },
      ...(body === undefined ? {} : { body: new Uint8Array(bytes) }),
    });
  };
  const json = async (...args: Parameters<typeof send>) => {
    const response = await send(...args);
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown> & { error?: { message: string } },
    };
  };
  return {
    ...{ app, store, ledger, library, log, engine, dispatcher, bell, send, json },
    /** Calls a route of the contract. */
    call: (identity: Identity, route: Route, id = "", body?: unknown) =>
      json(identity, route.method, route.path.replace(/:(id|key)/, id), body),
    async close() {
      closing.abort();
      await dispatcher.close();
      await engine.close();
    },
  };
}

export type TestGateway = ReturnType<typeof createTestGateway>;

/** A concept of `owner` in the library, private. */
export async function teach(gateway: TestGateway, owner: Identity, id: string, name: string): Promise<ConceptMeta> {
  const preview = `concepts/${id}/preview.png`;
  const source = `concepts/${id}/source.png`;
  for (const key of [preview, source]) await gateway.store.put(key, await samplePicture());
  return gateway.library.save({
    meta: {
      ...{ id, version: 1, name, owner: owner.user, scope: "private", scopeId: owner.user.id },
      initialiser: { kind: "caption", text: "a red mug" },
      baseModel: { id: "test", hash: "0" },
      ...{ tokens: 1, width: 4, templates: "", steps: 100, seed: 0, loss: [], licence: "", versions: [] },
      ...{ preview, source },
      created: new Date().toISOString(),
    },
    rows: { dtype: "f32", shape: [1, 4], data: new Float32Array([1, 2, 3, 4]) },
  });
}

/** An uploaded picture and its draft. */
export async function startDraft(gateway: TestGateway, owner: Identity, id: string) {
  const upload = await gateway.json(owner, "POST", "/uploads", await samplePicture());
  const created = await gateway.json(owner, "POST", "/drafts", { id, picture: upload.body["key"] });
  return { key: upload.body["key"] as string, ...created };
}

export async function until<T>(ask: () => Promise<T | undefined | false>, timeoutMs = 5_000): Promise<T> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited in vain");
}

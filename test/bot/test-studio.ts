import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import sharp from "sharp";
import { startBot } from "../../bot/main.ts";
import type { ConceptLibrary } from "../../functions/concepts/library.ts";
import type { TaskContext, TaskRunner } from "../../functions/jobs/runner.ts";
import type { UserError } from "../../shared/error.ts";
import type { DrawnPicture, ExplainInput, ImagineInput, LearnInput, TaskEvent } from "../../shared/job.ts";
import { parsePrompt, referencesOf } from "../../shared/prompt.ts";
import { createTestGateway, secret, type TestGateway, type TestGatewayOptions } from "../http/test-gateway.ts";
import { startEmulator } from "../support/discord/emulator.ts";
import { createMember, type Member } from "../support/discord/member.ts";
import type { SeenMessage } from "../support/discord/seen-message.ts";
import { createVirtualClock } from "../support/discord/virtual-clock.ts";
import { memberPermissions } from "../support/discord/world.ts";

/** A door that tasks wait at. Open until `shut`. */
export interface Door {
  shut(): void;
  open(): void;
  readonly passed: () => Promise<void>;
}

function createDoor(): Door {
  let waiting: Promise<void> = Promise.resolve();
  let open = () => {};
  return {
    shut: () => {
      waiting = new Promise((resolve) => {
        open = resolve;
      });
    },
    open: () => open(),
    passed: () => waiting,
  };
}

/** The real bot and the real gateway on an emulated Discord. Only the models are scripted: learning takes four steps of 25 and
 * waits at the door from the second on, imagining waits there before it draws. */
export async function startStudio(options: Pick<TestGatewayOptions, "describe" | "notesOn" | "store"> = {}) {
  const emulator = await startEmulator(createVirtualClock(Date.UTC(2026, 7, 1, 12), 1 / 3));
  const { clock } = emulator;
  const door = createDoor();
  const failure: { next: UserError | undefined } = { next: undefined };
  const runs: string[] = [];
  let library: ConceptLibrary | undefined;
  const runTask: TaskRunner = async function* (input, context) {
    runs.push(context.jobId);
    if (library === undefined) throw new Error("a job ran before the gateway was there");
    if (input.task === "learn") yield* scriptedLearn(library, input, context, door, failure);
    else if (input.task === "imagine") yield* scriptedImagine(library, input, context, door);
    else if (input.task === "explain") yield* scriptedExplain(library, input, context);
  };
  const gateway: TestGateway = createTestGateway({ ...options, clock, runTask, slots: 4, leaseMs: 86_400_000 });
  library = gateway.library;
  const server = await new Promise<HttpServer>((resolve) => {
    const started = serve({ fetch: gateway.app.fetch, hostname: "127.0.0.1", port: 0 }, () =>
      resolve(started as HttpServer),
    );
  });
  const log: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const start = () =>
    startBot(
      {
        discordToken: emulator.world.botToken,
        discordApi: emulator.restUrl,
        attachmentOrigins: [emulator.cdnOrigin],
        gatewayUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        signingSecret: secret,
      },
      clock,
      (event, fields) => void log.push({ event, fields }),
    );
  let bot = await start();

  return {
    ...{ emulator, clock, gateway, door, failure, runs, log },
    /** A server of its own for each test: nobody and nothing of the others is in it. */
    newServer() {
      door.open();
      failure.next = undefined;
      runs.length = 0;
      emulator.world.requests.length = 0;
      const guild = emulator.addGuild("Potting shed");
      const channel = emulator.addChannel(guild, "general");
      return {
        ...{ guild, channel },
        addMember: (name: string) => emulator.addMember(guild, channel, name),
        /** Somebody of another server, who is in this one too. */
        welcome(member: Member): Member {
          guild.members.set(member.id, { roles: [guild.id], permissions: memberPermissions });
          return createMember(emulator.world, member.id, channel);
        },
      };
    },
    /** Stops the bot, politely or as a crash does, and starts another. */
    async restartBot(how: "released" | "crashed") {
      await bot.stop({ release: how === "released" });
      bot = await start();
    },
    /** From now on nothing answers at the gateway's address. */
    breakGateway() {
      server.closeAllConnections();
      server.close();
    },
    async close() {
      door.open();
      await bot.stop();
      await gateway.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await emulator.close();
    },
  };
}

export type Studio = Awaited<ReturnType<typeof startStudio>>;
export type Server = ReturnType<Studio["newServer"]>;

async function* scriptedLearn(
  library: ConceptLibrary,
  input: LearnInput,
  context: TaskContext,
  door: Door,
  failure: { next: UserError | undefined },
): AsyncGenerator<TaskEvent> {
  for (const step of [0, 25, 50, 75, 100]) {
    const preview = await drawn(context, `preview-${step}`, "preview", `hsl(${step}, 70%, 60%)`, `after ${step} steps`);
    yield {
      type: "progress",
      stage: "learn",
      step,
      total: 100,
      loss: { step, loss: 1 - step / 200 },
      preview,
      etaMs: 100 - step,
    };
    if (step >= 50) await stoppable(door.passed(), context.signal);
  }
  if (failure.next !== undefined) throw failure.next;
  const concept = await library.save({
    meta: {
      ...{ id: `c-${context.jobId}`, version: 1, name: input.name, owner: input.owner },
      ...{ scope: "private", scopeId: input.owner.id },
      initialiser: { kind: "caption", text: input.caption ?? "" },
      baseModel: { id: "scripted", hash: "0" },
      ...{ tokens: 1, width: 4, templates: "", steps: input.steps, seed: 0, loss: [], licence: "", versions: [] },
      ...(input.caption === undefined ? {} : { caption: input.caption }),
      created: new Date().toISOString(),
    },
    rows: { dtype: "f32", shape: [1, 4], data: new Float32Array([1, 2, 3, 4]) },
  });
  const strip = await drawn(context, "strip", "strip", "teal", `${input.name} in three scenes`);
  yield { type: "output", output: { task: "learn", concept, pictures: [strip], notes: [] } };
}

async function* scriptedExplain(
  library: ConceptLibrary,
  input: ExplainInput,
  context: TaskContext,
): AsyncGenerator<TaskEvent> {
  const { id, version, name, owner, scope } = (await library.load(input.concept, input.viewer)).meta;
  const near = (word: string) => [
    { word, score: 1 },
    { word: "rose", score: 0.4 },
  ];
  const picture = await drawn(context, "attention", "chart", "purple", `where ${name} looks`);
  const rows = [{ token: "red", before: near("red"), after: near("crimson") }];
  const concept = { id, version, name, owner, scope };
  yield { type: "output", output: { task: "explain", concept, rows, pictures: [picture], notes: [] } };
}

async function* scriptedImagine(
  library: ConceptLibrary,
  input: ImagineInput,
  context: TaskContext,
  door: Door,
): AsyncGenerator<TaskEvent> {
  const concepts = await Promise.all(
    referencesOf(parsePrompt(input.prompt)).map(async (reference) => {
      const found = await library.resolve(reference, input.viewer).catch((error: unknown) => {
        if (!reference.orWord) throw error;
      });
      return (
        found && { id: found.id, version: found.version, name: found.name, owner: found.owner, scope: found.scope }
      );
    }),
  );
  yield { type: "progress", stage: "draw", step: 0, total: input.steps ?? 30 };
  await stoppable(door.passed(), context.signal);
  const pictures = [];
  for (let index = 0; index < input.count; index++) {
    pictures.push(await drawn(context, `picture-${index}`, "picture", `hsl(${index * 90}, 80%, 50%)`, input.prompt));
  }
  yield {
    type: "output",
    output: {
      task: "imagine",
      pictures,
      concepts: concepts.filter((used) => used !== undefined),
      seed: input.seed ?? 42,
      notes: [],
    },
  };
}

async function drawn(
  { files }: TaskContext,
  name: string,
  kind: DrawnPicture["kind"],
  background: string,
  alt: string,
): Promise<DrawnPicture> {
  const png = await sharp({ create: { width: 32, height: 32, channels: 3, background } })
    .png()
    .toBuffer();
  return { key: await files.write(`${name}.png`, png), kind, width: 32, height: 32, alt };
}

function stoppable(waiting: Promise<void>, signal: AbortSignal): Promise<void> {
  return Promise.race([
    waiting,
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  ]);
}

/** A picture to attach. */
export async function photo(background = "tomato") {
  const bytes = await sharp({ create: { width: 64, height: 48, channels: 3, background } })
    .jpeg()
    .toBuffer();
  return { name: "photo.jpg", contentType: "image/jpeg", bytes: new Uint8Array(bytes) };
}

/** The message with this id as the member sees it once it says `words`. */
export function says(member: Member, id: string, words: string | RegExp): Promise<SeenMessage> {
  return member.until(() => {
    const message = [...member.see(), ...member.inbox()].find((seen) => seen.id === id);
    return (
      message !== undefined &&
      (typeof words === "string" ? message.text.includes(words) : words.test(message.text)) &&
      message
    );
  });
}

/** `says` while the bot's time goes on: a pause that begins after the clock was advanced would never end. */
export async function saysLater(
  { clock }: { readonly clock: { advance(ms: number): void } },
  member: Member,
  id: string,
  words: string | RegExp,
): Promise<SeenMessage> {
  const ticking = setInterval(() => clock.advance(2_000), 100);
  try {
    return await says(member, id, words);
  } finally {
    clearInterval(ticking);
  }
}

/** `/learn` up to the card with the candidates. */
export async function propose(member: Member, options: Record<string, string | number> = {}): Promise<SeenMessage> {
  const answer = await member.slash("learn", { image: await photo(), ...options });
  return member.until(() => {
    const message = answer.message();
    return message?.loading === false && message;
  });
}

/** `/learn` and Learn, up to the last word. */
export async function learnWord(member: Member, name: string): Promise<SeenMessage> {
  const card = await propose(member, { name });
  await member.press(card, `Learn “${name}”`);
  return says(member, card.id, "I know");
}

/** Share, up to the news in the channel. */
export async function share(member: Member, message: SeenMessage, button = "Share with the server"): Promise<void> {
  const news = () => member.see().filter(({ text }) => text.includes("shares a new word")).length;
  const before = news();
  await member.press(message, button);
  await member.until(() => news() > before);
}

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { RESTJSONErrorCodes as Codes, DiscordAPIError, HTTPError, type REST } from "discord.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeliveries, maxFailedRounds } from "../../bot/deliveries.ts";
import { explainCards } from "../../bot/explain-cards.ts";
import { createFunctionClient } from "../../bot/function-client.ts";
import { imagineCards } from "../../bot/imagine-cards.ts";
import { learnCards } from "../../bot/learn-cards.ts";
import { type Delivery, routes } from "../../shared/api.ts";
import { ann, bot, createTestGateway, secret, type TestGateway } from "../http/test-gateway.ts";
import { createVirtualClock } from "../support/discord/virtual-clock.ts";

const clock = createVirtualClock(Date.UTC(2026, 7, 1, 12), 50);
let gateway: TestGateway;
let server: Server;

beforeAll(async () => {
  gateway = createTestGateway({ clock, leaseMs: 86_400_000 });
  server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: gateway.app.fetch, hostname: "127.0.0.1", port: 0 }, () =>
      resolve(started as Server),
    );
  });
});

afterAll(async () => {
  await gateway.close();
  server.closeAllConnections();
  server.close();
});

const isDown = (method: string) => new HTTPError(500, "Internal Server Error", method, "/", {});
const refusesForm = (method: string) => {
  const code = Codes.InvalidFormBodyOrContentType;
  return new DiscordAPIError({ code, message: "Invalid Form Body" }, code, 400, method, "/", {});
};

/** A Discord that says `faultOf` to what is asked of it, where that is something. */
function discord(faultOf: (method: "PATCH" | "POST", attempt: number) => Error | undefined) {
  const written: string[] = [];
  const attempts = { PATCH: 0, POST: 0 };
  const ask = (method: "PATCH" | "POST") => async (_route: string, request: { body: object }) => {
    if ("recipient_id" in request.body) return { id: "7" };
    attempts[method] += 1;
    const fault = faultOf(method, attempts[method]);
    if (fault !== undefined) throw fault;
    written.push(`${method} ${JSON.stringify(request.body)}`);
    return { id: "8", channel_id: "7", attachments: [] };
  };
  return { rest: { patch: ask("PATCH"), post: ask("POST") } as unknown as REST, written, attempts };
}

/** Tells Ann of a drawing until the delivery is done, in messages of this Discord. */
async function tell(id: string, rest: REST) {
  const log: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const cards = { learn: learnCards, imagine: imagineCards, explain: explainCards };
  const functions = createFunctionClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, secret, clock);
  const record = (event: string, fields: Readonly<Record<string, unknown>>) => void log.push({ event, fields });
  const deliveries = createDeliveries({ rest, functions, clock, log: record, cards }, bot);
  const input = { task: "imagine", prompt: "a red mug" };
  await gateway.call(ann, routes.putPrediction, id, { input });
  const delivery = await deliveries.claim(id, "imagine", ann, {
    ...{ applicationId: "9", token: "t", tokenExpiresMs: 0, channelId: "5", serverId: "1", messageId: "6" },
    ...{ ephemeral: false, locale: "en-US" },
  });
  if (delivery === undefined) throw new Error("claimed by somebody else");
  deliveries.follow(delivery);
  const watching = deliveries.watch();
  const open = async () =>
    ((await gateway.call(bot, routes.listDeliveries)).body as { deliveries?: Delivery[] }).deliveries ?? [];
  await expect.poll(open, { timeout: 60_000, interval: 100 }).toEqual([]);
  await deliveries.stop(true);
  await watching;
  return log;
}

test("while Discord is down a last word is tried again, and told where it belongs when it is back", async () => {
  const { rest, written } = discord((_, attempt) => (attempt <= 5 ? isDown("PATCH") : undefined));
  const log = await tell("job-back", rest);
  expect(written).toEqual([expect.stringMatching(/^PATCH .*a red mug.*seed 1/)]);
  expect(log.map(({ event }) => event)).not.toContain("delivery given up");
}, 90_000);

test("a message that cannot be written for long is told elsewhere before it is given up", async () => {
  const { rest, written } = discord((method) => (method === "PATCH" ? isDown(method) : undefined));
  const log = await tell("job-elsewhere", rest);
  expect(written).toEqual([expect.stringMatching(/^POST .*a red mug.*seed 1/)]);
  expect(log.map(({ event }) => event)).not.toContain("delivery given up");
}, 90_000);

test("what can be told nowhere ends after a bounded number of rounds, and the log says so", async () => {
  const { rest, attempts } = discord(isDown);
  const log = await tell("job-nowhere", rest);
  const last = { event: "delivery given up", fields: expect.objectContaining({ rounds: maxFailedRounds }) };
  expect(log.filter(({ event }) => event === "delivery given up")).toEqual([last]);
  expect(attempts.PATCH).toBeLessThanOrEqual(2 * maxFailedRounds + 2);
  expect(attempts.POST).toBe(1);
}, 90_000);

test("where the message refuses the card and the bug's number too, the card comes by direct message at once", async () => {
  const { rest, written } = discord((method) => (method === "PATCH" ? refusesForm(method) : undefined));
  const log = await tell("job-refused", rest);
  expect(written).toEqual([expect.stringMatching(/^POST .*a red mug.*seed 1/)]);
  expect(log.map(({ event }) => event)).not.toContain("delivery interrupted");
}, 90_000);

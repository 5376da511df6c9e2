import { PermissionFlagsBits } from "discord.js";
import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { commandsApi } from "./commands-api.ts";
import { answerInteraction, followUp, interactionOfToken, messageOfToken } from "./interactions.ts";
import { maxRequestBytes, type Upload } from "./message-rules.ts";
import { createMessage, editMessage } from "./messages.ts";
import { channelPayload, guildPayload, messagePayload, userPayload } from "./payloads.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { formError, Refusal, refusals } from "./refusal.ts";
import { cdnSignature, directChannel, type Message, permissionsIn, type World } from "./world.ts";

/** Discord's REST API, version 10, as far as a bot of ours may go. Any other route is a fault of the test. */
export function restApi(world: World): Hono {
  const api = new Hono();
  const limit = createRateLimiter(world);
  api.use(async (context, next) => {
    const request = {
      method: context.req.method,
      path: decodeURIComponent(context.req.path).replace(/^\/api\/v10/, ""),
      status: 0,
      atMs: world.clock.now(),
    };
    world.requests.push(request);
    const verdict = limit(request.method, request.path);
    for (const [name, value] of Object.entries(verdict.headers)) context.header(name, value);
    if (verdict.refused === undefined) await next();
    else context.res = tooManyRequests(context, verdict.refused);
    request.status = context.res.status;
    world.events.emit("change");
  });
  api.onError((error, context) => {
    if (error instanceof Refusal) return context.json(error.body(), error.status as ContentfulStatusCode);
    if (error instanceof SyntaxError) return context.json(refusals.invalidJson().body(), 400);
    world.faults.push(`the emulator itself failed at ${context.req.method} ${context.req.path}: ${error.stack}`);
    return context.json({ message: "500: Internal Server Error", code: 0 }, 500);
  });
  api.route("/", interactionsApi(world));
  api.use(async (context, next) => {
    if (context.req.header("authorization") !== `Bot ${world.botToken}`) throw refusals.unauthorized();
    await next();
  });
  api.get("/gateway/bot", (context) =>
    context.json({
      url: world.origin.replace("http", "ws"),
      shards: 1,
      session_start_limit: { total: 1000, remaining: 999, reset_after: 14_400_000, max_concurrency: 1 },
    }),
  );
  api.get("/users/@me", (context) => context.json(userPayload(userOf(world, world.applicationId))));
  api.get("/applications/@me", (context) => context.json({ id: world.applicationId, name: "Eponym", flags: 0 }));
  api.route("/", commandsApi(world));
  api.route("/", channelsApi(world));
  return api;
}

/** Answers, edits and follow-ups: the token in the path is the proof, no header is needed. */
function interactionsApi(world: World): Hono {
  const api = new Hono();
  api.post("/interactions/:id/:token/callback", async (context) => {
    const { payload, files } = await readForm(context);
    const { id, token } = context.req.param();
    const { interaction, message, type } = answerInteraction(world, id, token, payload, files);
    if (context.req.query("with_response") !== "true") return context.body(null, 204);
    return context.json({
      interaction: {
        id,
        type: interaction.type,
        ...(message === undefined ? {} : { response_message_id: message.id }),
      },
      resource: { type, ...(message === undefined ? {} : { message: messagePayload(world, message) }) },
    });
  });
  api.post("/webhooks/:app/:token", async (context) => {
    const { payload, files } = await readForm(context);
    const interaction = interactionOfToken(world, context.req.param("app"), context.req.param("token"));
    return context.json(messagePayload(world, followUp(world, interaction, payload, files)));
  });
  const target = (context: Context): Message => {
    const interaction = interactionOfToken(world, context.req.param("app") ?? "", context.req.param("token") ?? "");
    return messageOfToken(world, interaction, context.req.param("message") ?? "");
  };
  const path = "/webhooks/:app/:token/messages/:message";
  api.get(path, (context) => context.json(messagePayload(world, target(context))));
  api.patch(path, async (context) => {
    const { payload, files } = await readForm(context);
    const message = target(context);
    editMessage(world, message, payload, files);
    return context.json(messagePayload(world, message));
  });
  api.delete(path, (context) => {
    target(context).deleted = true;
    world.events.emit("change");
    return context.body(null, 204);
  });
  return api;
}

function channelsApi(world: World): Hono {
  const api = new Hono();
  api.post("/users/@me/channels", async (context) => {
    const { recipient_id: recipient } = await context.req.json<{ recipient_id?: unknown }>();
    if (typeof recipient !== "string")
      throw formError(["recipient_id"], "NUMBER_TYPE_COERCE", `Value "${recipient}" is not snowflake.`);
    const user = userOf(world, recipient);
    return context.json({ ...channelPayload(directChannel(world, user.id)), recipients: [userPayload(user)] });
  });
  api.get("/users/:user", (context) => context.json(userPayload(userOf(world, context.req.param("user")))));
  api.get("/guilds/:guild", (context) => {
    if (!world.guilds.has(context.req.param("guild"))) throw refusals.unknownGuild();
    return context.json(guildPayload(world, context.req.param("guild")));
  });
  api.get("/channels/:channel", (context) =>
    context.json(channelPayload(channelOf(world, context.req.param("channel"), 0n))),
  );
  api.post("/channels/:channel/messages", async (context) => {
    const { payload, files } = await readForm(context);
    const { AttachFiles, SendMessages, SendMessagesInThreads } = PermissionFlagsBits;
    const isThread = world.channels.get(context.req.param("channel"))?.parentId !== undefined;
    const needed = (isThread ? SendMessagesInThreads : SendMessages) | (files.length > 0 ? AttachFiles : 0n);
    const channel = channelOf(world, context.req.param("channel"), needed);
    if (channel.recipientId !== undefined && userOf(world, channel.recipientId).closedToDirectMessages) {
      throw refusals.directMessagesClosed();
    }
    const message = createMessage(world, payload, files, {
      channelId: channel.id,
      authorId: world.applicationId,
      rule: "channel",
    });
    return context.json(messagePayload(world, message));
  });
  const path = "/channels/:channel/messages/:message";
  const target = (context: Context): Message => {
    const channel = channelOf(world, context.req.param("channel") ?? "", 0n);
    const message = world.messages.get(context.req.param("message") ?? "");
    // An ephemeral message does not exist for the bot's own token.
    const exists = message !== undefined && !message.deleted && message.visibleTo === undefined;
    if (!exists || message.channelId !== channel.id) throw refusals.unknownMessage();
    return message;
  };
  api.get(path, (context) => context.json(messagePayload(world, target(context))));
  api.patch(path, async (context) => {
    const { payload, files } = await readForm(context);
    const message = target(context);
    if (message.authorId !== world.applicationId) throw refusals.notYourMessage();
    editMessage(world, message, payload, files);
    return context.json(messagePayload(world, message));
  });
  api.delete(path, (context) => {
    const message = target(context);
    if (message.authorId !== world.applicationId) throw refusals.missingPermissions();
    message.deleted = true;
    world.events.emit("change");
    return context.body(null, 204);
  });
  return api;
}

/** Attachments by their signed address; expired or altered ones are gone. */
export function cdn(world: World): Hono {
  const app = new Hono();
  app.get("/attachments/:channel/:id/:name", (context) => {
    const attachment = world.attachments.get(context.req.param("id"));
    const expires = context.req.query("ex") ?? "";
    const isSigned = context.req.query("hm") === cdnSignature(world, new URL(context.req.url).pathname, expires);
    const isFresh = Number.parseInt(expires, 16) * 1000 >= world.clock.now();
    if (attachment === undefined || !isSigned || !isFresh)
      return context.text("This content is no longer available.", 404);
    return context.body(new Uint8Array(attachment.bytes), 200, { "content-type": attachment.contentType });
  });
  return app;
}

/** JSON, or multipart with `payload_json` and `files[n]`. @throws Refusal 40005 beyond 25 MiB */
async function readForm(context: Context): Promise<{ payload: unknown; files: Upload[] }> {
  if (!context.req.header("content-type")?.startsWith("multipart/form-data")) {
    return { payload: await context.req.json(), files: [] };
  }
  const form = await context.req.formData();
  const files: Upload[] = [];
  let payload: unknown = {};
  for (const [name, value] of form) {
    const index = /^files\[(\d+)\]$/.exec(name)?.[1];
    if (name === "payload_json" && typeof value === "string") payload = JSON.parse(value);
    else if (index === undefined || typeof value === "string")
      throw formError([name], "UNKNOWN_FIELD", "Unknown part of the form");
    else
      files.push({
        index,
        name: value.name,
        contentType: value.type,
        bytes: new Uint8Array(await value.arrayBuffer()),
      });
  }
  if (files.reduce((sum, file) => sum + file.bytes.byteLength, 0) > maxRequestBytes) throw refusals.tooLarge();
  return { payload, files };
}

function tooManyRequests(context: Context, refused: { retryAfterMs: number; global: boolean }): Response {
  const seconds = Number((refused.retryAfterMs / 1000).toFixed(3));
  context.header("retry-after", String(seconds));
  context.header("x-ratelimit-scope", refused.global ? "global" : "user");
  if (refused.global) context.header("x-ratelimit-global", "true");
  return context.json({ message: "You are being rate limited.", retry_after: seconds, global: refused.global }, 429);
}

function userOf(world: World, id: string) {
  const user = world.users.get(id);
  if (user === undefined) throw refusals.unknownUser();
  return user;
}

function channelOf(world: World, id: string, needed: bigint) {
  const channel = world.channels.get(id);
  if (channel === undefined) throw refusals.unknownChannel();
  const permissions = permissionsIn(world, channel, world.applicationId);
  if ((permissions & PermissionFlagsBits.ViewChannel) === 0n) throw refusals.missingAccess();
  if ((permissions & needed) !== needed) throw refusals.missingPermissions();
  return channel;
}

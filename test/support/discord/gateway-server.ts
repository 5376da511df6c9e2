import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { GatewayCloseCodes, GatewayIntentBits, GatewayOpcodes } from "discord.js";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { guildPayload, userPayload } from "./payloads.ts";
import type { World } from "./world.ts";

const heartbeatMs = 41_250;

/** Intents that need approval in the developer portal; this application has none. */
const privileged = GatewayIntentBits.GuildMembers | GatewayIntentBits.GuildPresences | GatewayIntentBits.MessageContent;

const Frame = z.object({ op: z.enum(GatewayOpcodes), d: z.unknown() });
const Identify = z.object({ token: z.string(), intents: z.int(), properties: z.object({ os: z.string() }) });
const Resume = z.object({ token: z.string(), session_id: z.string(), seq: z.int() });

interface Session {
  readonly id: string;
  readonly sent: { readonly t: string; readonly d: object }[];
  socket: WebSocket | undefined;
}

export interface GatewayServer {
  /** Intents of every identify so far. */
  readonly intents: readonly number[];
  /** Open connections. */
  connections(): number;
  /** Breaks every connection off, as a network fault does. Sessions can be resumed. */
  drop(): void;
  close(): void;
}

/** Discord's gateway, version 10 in JSON: hello, heartbeats, identify, resume, dispatch. */
export function serveGateway(world: World, server: Server): GatewayServer {
  const sockets = new WebSocketServer({ server });
  const sessions = new Map<string, Session>();
  const intents: number[] = [];

  const send = (session: Session, t: string, d: object) => {
    session.sent.push({ t, d });
    session.socket?.send(JSON.stringify({ op: GatewayOpcodes.Dispatch, s: session.sent.length, t, d }));
  };
  const dispatch = (t: string, d: object) => {
    for (const session of sessions.values()) send(session, t, d);
  };
  world.events.on("dispatch", dispatch);

  const identify = (socket: WebSocket, data: unknown): Session | number => {
    const parsed = Identify.safeParse(data);
    if (!parsed.success) return GatewayCloseCodes.DecodeError;
    if (parsed.data.token !== world.botToken) return GatewayCloseCodes.AuthenticationFailed;
    if ((parsed.data.intents & privileged) !== 0) return GatewayCloseCodes.DisallowedIntents;
    intents.push(parsed.data.intents);
    const session: Session = { id: randomBytes(16).toString("hex"), sent: [], socket };
    sessions.set(session.id, session);
    const bot = world.users.get(world.applicationId);
    send(session, "READY", {
      v: 10,
      user: bot === undefined ? {} : userPayload(bot),
      guilds: [...world.guilds.keys()].map((id) => ({ id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: world.origin.replace("http", "ws"),
      application: { id: world.applicationId, flags: 0 },
    });
    for (const id of world.guilds.keys()) send(session, "GUILD_CREATE", guildPayload(world, id));
    return session;
  };

  const resume = (socket: WebSocket, data: unknown): Session | undefined => {
    const parsed = Resume.safeParse(data);
    const session = parsed.success ? sessions.get(parsed.data.session_id) : undefined;
    if (session === undefined || !parsed.success || parsed.data.token !== world.botToken) return undefined;
    session.socket = socket;
    for (const [index, { t, d }] of session.sent.entries()) {
      if (index >= parsed.data.seq) socket.send(JSON.stringify({ op: GatewayOpcodes.Dispatch, s: index + 1, t, d }));
    }
    send(session, "RESUMED", {});
    return session;
  };

  sockets.on("connection", (socket, request) => {
    const query = new URL(request.url ?? "/", "ws://gateway").searchParams;
    if (query.get("v") !== "10" || query.get("encoding") !== "json") {
      socket.close(GatewayCloseCodes.InvalidAPIVersion);
      return;
    }
    let session: Session | undefined;
    socket.send(JSON.stringify({ op: GatewayOpcodes.Hello, s: null, t: null, d: { heartbeat_interval: heartbeatMs } }));
    socket.on("message", (raw) => {
      const frame = Frame.safeParse(JSON.parse(raw.toString()));
      if (!frame.success) return socket.close(GatewayCloseCodes.UnknownOpcode);
      const { op, d } = frame.data;
      if (op === GatewayOpcodes.Heartbeat)
        socket.send(JSON.stringify({ op: GatewayOpcodes.HeartbeatAck, s: null, t: null }));
      else if (op === GatewayOpcodes.Identify) {
        if (session !== undefined) return socket.close(GatewayCloseCodes.AlreadyAuthenticated);
        const identified = identify(socket, d);
        if (typeof identified === "number") return socket.close(identified);
        session = identified;
      } else if (op === GatewayOpcodes.Resume) {
        session = resume(socket, d);
        if (session === undefined)
          socket.send(JSON.stringify({ op: GatewayOpcodes.InvalidSession, s: null, t: null, d: false }));
      } else if (session === undefined) socket.close(GatewayCloseCodes.NotAuthenticated);
    });
    socket.on("close", (code) => {
      if (session?.socket !== socket) return;
      session.socket = undefined;
      // A clean goodbye ends the session; anything else can be resumed.
      if (code === 1000 || code === 1001) sessions.delete(session.id);
    });
  });

  return {
    intents,
    connections: () => sockets.clients.size,
    drop: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
    close: () => {
      world.events.off("dispatch", dispatch);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    },
  };
}

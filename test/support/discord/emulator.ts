import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { type GatewayServer, serveGateway } from "./gateway-server.ts";
import { createMember, type Member } from "./member.ts";
import { channelPayload } from "./payloads.ts";
import { refusals } from "./refusal.ts";
import { cdn, restApi } from "./rest-api.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
import { type Channel, createWorld, type Guild, memberPermissions, type World } from "./world.ts";

/** Discord on the loopback interface: what a bot sees of it, and members who use the bot. */
export interface Emulator {
  readonly world: World;
  readonly clock: VirtualClock;
  /** For discord.js: `rest.api`. */
  readonly restUrl: string;
  /** Where attachments are downloaded from. */
  readonly cdnOrigin: string;
  readonly gateway: GatewayServer;
  addGuild(name: string): Guild;
  addChannel(guild: Guild, name: string): Channel;
  addThread(channel: Channel, name: string): Channel;
  addMember(guild: Guild, channel: Channel, name: string, options?: { permissions?: bigint }): Member;
  /** Takes permissions in a channel away from a user, or from the bot when none is named. */
  deny(channel: Channel, permissions: bigint, userId?: string): void;
  /** @throws Error when the bot used a route that does not exist, or the emulator failed */
  close(): Promise<void>;
}

export async function startEmulator(clock: VirtualClock = createVirtualClock()): Promise<Emulator> {
  const world = createWorld(clock);
  const app = new Hono();
  app.route("/", cdn(world));
  app.route("/api/v10", restApi(world));
  app.notFound((context) => {
    world.faults.push(`unknown route ${context.req.method} ${context.req.path}`);
    return context.json(refusals.notFound().body(), 404);
  });
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, () => resolve(started as Server));
  });
  world.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gateway = serveGateway(world, server);

  return {
    world,
    clock,
    restUrl: `${world.origin}/api`,
    cdnOrigin: world.origin,
    gateway,
    addGuild(name) {
      const guild: Guild = { id: world.nextId(), name, members: new Map() };
      guild.members.set(world.applicationId, { roles: [], permissions: memberPermissions });
      world.guilds.set(guild.id, guild);
      world.events.emit("dispatch", "GUILD_CREATE", { id: guild.id, name, channels: [], roles: [], members: [] });
      return guild;
    },
    addChannel(guild, name) {
      const channel: Channel = {
        id: world.nextId(),
        name,
        guildId: guild.id,
        recipientId: undefined,
        denied: new Map(),
        archived: false,
      };
      world.channels.set(channel.id, channel);
      world.events.emit("dispatch", "CHANNEL_CREATE", channelPayload(channel));
      return channel;
    },
    addThread(channel, name) {
      const thread = { ...channel, id: world.nextId(), name, parentId: channel.id };
      world.channels.set(thread.id, thread);
      world.events.emit("dispatch", "THREAD_CREATE", channelPayload(thread));
      return thread;
    },
    addMember(guild, channel, name, options = {}) {
      const id = world.nextId();
      world.users.set(id, { id, name, bot: false, closedToDirectMessages: false });
      guild.members.set(id, { roles: [guild.id], permissions: options.permissions ?? memberPermissions });
      return createMember(world, id, channel);
    },
    deny(channel, permissions, userId = world.applicationId) {
      channel.denied.set(userId, (channel.denied.get(userId) ?? 0n) | permissions);
    },
    async close() {
      gateway.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (world.faults.length > 0) throw new Error(world.faults.join("\n"));
    },
  };
}

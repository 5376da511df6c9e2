import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import { PermissionFlagsBits } from "discord.js";
import type { CommandForm } from "./command-rules.ts";
import type { AnyComponent, Modal } from "./component-rules.ts";
import type { VirtualClock } from "./virtual-clock.ts";

const discordEpochMs = Date.UTC(2015, 0, 1);

export interface User {
  readonly id: string;
  readonly name: string;
  readonly bot: boolean;
  /** Direct messages from this user's servers are closed. */
  closedToDirectMessages: boolean;
}

export interface Guild {
  readonly id: string;
  readonly name: string;
  readonly members: Map<string, { roles: string[]; permissions: bigint }>;
}

export interface Channel {
  readonly id: string;
  readonly name: string;
  /** Absent for direct messages. */
  readonly guildId: string | undefined;
  readonly recipientId: string | undefined;
  /** The channel that a thread is in, whose `denied` it has. */
  readonly parentId?: string;
  /** Permissions taken away in this channel, by user id. */
  readonly denied: Map<string, bigint>;
  /** A thread that is archived: nothing in it can be edited; a new message opens it again. */
  archived: boolean;
}

export interface Attachment {
  readonly id: string;
  readonly channelId: string;
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  readonly description: string | undefined;
}

export interface Message {
  readonly id: string;
  readonly channelId: string;
  readonly authorId: string;
  readonly createdMs: number;
  editedMs: number | null;
  content: string;
  flags: number;
  components: readonly AnyComponent[];
  embeds: readonly AnyComponent[];
  attachments: readonly Attachment[];
  /** The only user who sees it: ephemeral messages. */
  readonly visibleTo: string | undefined;
  /** The interaction that it answers. */
  readonly interactionId: string | undefined;
  /** Ids of mentioned users whom it notified. */
  notified: readonly string[];
  /** Times of creation and edits, for rate checks. */
  readonly writtenMs: number[];
  deleted: boolean;
}

/** command 2, component 3, autocomplete 4, modal submit 5: Discord's interaction types. */
export type InteractionType = 2 | 3 | 4 | 5;

export interface Interaction {
  readonly id: string;
  readonly token: string;
  readonly type: InteractionType;
  readonly userId: string;
  readonly channelId: string;
  readonly createdMs: number;
  /** The message whose component or modal it came from. */
  readonly sourceMessageId: string | undefined;
  readonly data: AnyComponent;
  /** Discord's callback type, once answered. */
  answeredWith: number | null;
  /** What `@original` means. */
  originalId: string | undefined;
  readonly messageIds: Set<string>;
  modal: Modal | undefined;
  choices: readonly { readonly name: string; readonly value: string | number }[] | undefined;
}

export interface RegisteredCommand {
  readonly id: string;
  readonly guildId: string | undefined;
  readonly version: string;
  readonly form: CommandForm;
}

/** Everything the emulated Discord knows. Only this folder changes it. */
export interface World {
  readonly clock: VirtualClock;
  readonly botToken: string;
  readonly applicationId: string;
  /** `http://127.0.0.1:<port>`, once the server listens. */
  origin: string;
  readonly users: Map<string, User>;
  readonly guilds: Map<string, Guild>;
  readonly channels: Map<string, Channel>;
  readonly messages: Map<string, Message>;
  readonly attachments: Map<string, Attachment>;
  readonly interactions: Map<string, Interaction>;
  readonly commands: Map<string, RegisteredCommand>;
  /** Times of command creations, for the daily limit. */
  readonly commandCreatesMs: number[];
  /** Nonces that were enforced, with the message that they made. */
  readonly nonces: Map<string, string>;
  /** Requests that no bot should make: unknown routes, refusals nobody expected. */
  readonly faults: string[];
  /** Every REST request, as `PATCH /webhooks/…`, with its answer's status. */
  readonly requests: { readonly method: string; readonly path: string; status: number; readonly atMs: number }[];
  /** `change` after anything changed; `dispatch` (name, payload) for the gateway. */
  readonly events: EventEmitter<{ change: []; dispatch: [string, object] }>;
  nextId(): string;
}

export function createWorld(clock: VirtualClock): World {
  let counter = 0;
  const nextId = () => String((BigInt(clock.now() - discordEpochMs) << 22n) | BigInt(counter++ & 0x3fffff));
  const applicationId = nextId();
  const world: World = {
    clock,
    botToken: `${Buffer.from(applicationId).toString("base64url")}.emulator.token`,
    applicationId,
    origin: "",
    users: new Map(),
    guilds: new Map(),
    channels: new Map(),
    messages: new Map(),
    attachments: new Map(),
    interactions: new Map(),
    commands: new Map(),
    commandCreatesMs: [],
    nonces: new Map(),
    faults: [],
    requests: [],
    events: new EventEmitter(),
    nextId,
  };
  world.events.setMaxListeners(0);
  world.users.set(applicationId, { id: applicationId, name: "Eponym", bot: true, closedToDirectMessages: false });
  return world;
}

/** What an ordinary member may do. */
export const memberPermissions =
  PermissionFlagsBits.ViewChannel |
  PermissionFlagsBits.SendMessages |
  PermissionFlagsBits.SendMessagesInThreads |
  PermissionFlagsBits.AttachFiles |
  PermissionFlagsBits.EmbedLinks |
  PermissionFlagsBits.ReadMessageHistory |
  PermissionFlagsBits.UseApplicationCommands;

/** Permissions of a user in a channel; everything in direct messages. */
export function permissionsIn(world: World, channel: Channel, userId: string): bigint {
  if (channel.guildId === undefined) return memberPermissions;
  const member = world.guilds.get(channel.guildId)?.members.get(userId);
  return member === undefined ? 0n : member.permissions & ~(channel.denied.get(userId) ?? 0n);
}

/** The direct channel between the bot and a user, made when first needed. */
export function directChannel(world: World, userId: string): Channel {
  for (const channel of world.channels.values()) if (channel.recipientId === userId) return channel;
  const place = { guildId: undefined, recipientId: userId, denied: new Map(), archived: false };
  const channel = { id: world.nextId(), name: "", ...place };
  world.channels.set(channel.id, channel);
  return channel;
}

const cdnLifeMs = 24 * 60 * 60_000;

/** The signed address of an attachment, as the CDN gives it: it expires after a day. */
export function attachmentUrl(world: World, attachment: Attachment): string {
  const expires = Math.floor((world.clock.now() + cdnLifeMs) / 1000).toString(16);
  const path = `/attachments/${attachment.channelId}/${attachment.id}/${encodeURIComponent(attachment.filename)}`;
  return `${world.origin}${path}?ex=${expires}&is=0&hm=${cdnSignature(world, path, expires)}`;
}

/** Proves that the address with this expiry came from us. */
export function cdnSignature(world: World, path: string, expires: string): string {
  return createHmac("sha256", world.botToken).update(`${path} ${expires}`).digest("hex");
}

import { ChannelType, InteractionContextType } from "discord.js";
import type { RegisteredCommand, World } from "./world.ts";
import {
  type Attachment,
  attachmentUrl,
  type Channel,
  type Interaction,
  type Message,
  permissionsIn,
  type User,
} from "./world.ts";

/** The JSON that Discord sends for what the world holds (API version 10). */

export function userPayload(user: User): object {
  return { id: user.id, username: user.name, global_name: user.name, discriminator: "0", avatar: null, bot: user.bot };
}

export function channelPayload(channel: Channel): object {
  if (channel.guildId === undefined) {
    return { id: channel.id, type: ChannelType.DM, flags: 0, last_message_id: null };
  }
  if (channel.parentId !== undefined) return threadPayload(channel);
  return {
    id: channel.id,
    type: ChannelType.GuildText,
    guild_id: channel.guildId,
    name: channel.name,
    position: 0,
    flags: 0,
    nsfw: false,
    parent_id: null,
    permission_overwrites: [...channel.denied].map(([id, deny]) => ({ id, type: 1, allow: "0", deny: String(deny) })),
  };
}

function threadPayload({ id, guildId, name, parentId }: Channel): object {
  const archived_at = new Date(0).toISOString();
  return {
    ...{ id, type: ChannelType.PublicThread, guild_id: guildId, parent_id: parentId, name, flags: 0 },
    ...{ owner_id: "1", last_message_id: null, rate_limit_per_user: 0, message_count: 0, member_count: 1 },
    thread_metadata: { archived: false, auto_archive_duration: 1440, archive_timestamp: archived_at, locked: false },
  };
}

export function attachmentPayload(world: World, attachment: Attachment): object {
  const url = attachmentUrl(world, attachment);
  return {
    id: attachment.id,
    filename: attachment.filename,
    size: attachment.bytes.byteLength,
    content_type: attachment.contentType,
    url,
    proxy_url: url,
    ...(attachment.description === undefined ? {} : { description: attachment.description }),
  };
}

export function messagePayload(world: World, message: Message): object {
  const author = world.users.get(message.authorId);
  if (author === undefined) throw new Error(`message ${message.id} has no author`);
  const { interactionId } = message;
  return {
    id: message.id,
    channel_id: message.channelId,
    type: interactionId === undefined ? 0 : 20,
    author: userPayload(author),
    content: message.content,
    timestamp: new Date(message.createdMs).toISOString(),
    edited_timestamp: message.editedMs === null ? null : new Date(message.editedMs).toISOString(),
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: message.attachments.map((attachment) => attachmentPayload(world, attachment)),
    embeds: message.embeds,
    components: message.components,
    pinned: false,
    flags: message.flags,
    ...(author.bot ? { application_id: world.applicationId } : {}),
    ...metadataOf(world, message),
  };
}

/** Whose interaction a message answers. */
function metadataOf(world: World, message: Message): object {
  const interaction = message.interactionId === undefined ? undefined : world.interactions.get(message.interactionId);
  const user = interaction && world.users.get(interaction.userId);
  if (interaction === undefined || user === undefined) return {};
  const { id, type } = interaction;
  return { interaction_metadata: { id, type, user: userPayload(user), authorizing_integration_owners: {} } };
}

export function commandPayload(world: World, { id, guildId, version, form }: RegisteredCommand): object {
  return {
    dm_permission: true,
    default_member_permissions: null,
    nsfw: false,
    description: "",
    contexts: null,
    integration_types: [0],
    ...form,
    id,
    application_id: world.applicationId,
    version,
    ...(guildId === undefined ? {} : { guild_id: guildId }),
  };
}

export function guildPayload(world: World, guildId: string): object {
  const guild = world.guilds.get(guildId);
  if (guild === undefined) throw new Error(`no guild ${guildId}`);
  const channels = [...world.channels.values()].filter((channel) => channel.guildId === guildId);
  const isThread = ({ parentId }: Channel) => parentId !== undefined;
  return {
    id: guild.id,
    name: guild.name,
    owner_id: "1",
    roles: [],
    emojis: [],
    stickers: [],
    features: [],
    channels: channels.filter((channel) => !isThread(channel)).map(channelPayload),
    members: [],
    threads: channels.filter(isThread).map(channelPayload),
    presences: [],
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
    member_count: guild.members.size,
    preferred_locale: "en-US",
    large: false,
    unavailable: false,
  };
}

/** The payload of INTERACTION_CREATE. */
export function interactionPayload(world: World, interaction: Interaction, locale: string): object {
  const channel = world.channels.get(interaction.channelId);
  const user = world.users.get(interaction.userId);
  if (channel === undefined || user === undefined) throw new Error("an interaction needs a channel and a user");
  const source = interaction.sourceMessageId && world.messages.get(interaction.sourceMessageId);
  const guild = channel.guildId === undefined ? undefined : world.guilds.get(channel.guildId);
  const person = userPayload(user);
  return {
    id: interaction.id,
    application_id: world.applicationId,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data: interaction.data,
    channel_id: channel.id,
    channel: { ...channelPayload(channel), permissions: String(permissionsIn(world, channel, user.id)) },
    ...(source ? { message: messagePayload(world, source) } : {}),
    ...(guild === undefined
      ? { user: person, context: InteractionContextType.BotDM, authorizing_integration_owners: { "0": "0" } }
      : {
          guild_id: guild.id,
          guild: { id: guild.id, locale: "en-US", features: [] },
          guild_locale: "en-US",
          member: {
            user: person,
            nick: null,
            avatar: null,
            roles: guild.members.get(user.id)?.roles ?? [],
            joined_at: new Date(0).toISOString(),
            deaf: false,
            mute: false,
            flags: 0,
            permissions: String(permissionsIn(world, channel, user.id)),
          },
          context: InteractionContextType.Guild,
          authorizing_integration_owners: { "0": guild.id },
        }),
    app_permissions: String(permissionsIn(world, channel, world.applicationId)),
    locale,
    entitlements: [],
    attachment_size_limit: 10 * 1024 * 1024,
  };
}

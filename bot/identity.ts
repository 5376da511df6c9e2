import { type BaseInteraction, PermissionFlagsBits } from "discord.js";
import type { Identity } from "../shared/identity.ts";

/** Who answers for people: unlike Manage Messages, no channel can grant one of these two, so they are of the whole server. */
const moderating = PermissionFlagsBits.ManageGuild | PermissionFlagsBits.ModerateMembers;

/** On whose behalf the gateway is asked: the person who used Discord, where, and with which roles. */
export function identityOf(interaction: BaseInteraction): Identity {
  const { user, guildId, member } = interaction;
  const roles = member === null ? [] : Array.isArray(member.roles) ? member.roles : [...member.roles.cache.keys()];
  return {
    user: { id: user.id, name: user.username.slice(0, 64) },
    ...(guildId === null ? {} : { server: guildId }),
    roles: roles.slice(0, 250),
    moderator: interaction.memberPermissions?.any(moderating) ?? false,
    service: false,
  };
}

/** The bot on its own account: following jobs after a restart. */
export function serviceIdentity(applicationId: string): Identity {
  return { user: { id: applicationId, name: "eponym" }, roles: [], moderator: false, service: true };
}

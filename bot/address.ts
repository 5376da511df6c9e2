import type { ButtonInteraction, ChatInputCommandInteraction } from "discord.js";
import type { DeliveryAddress } from "../shared/api.ts";

/** An interaction's token edits its message for this long. */
const tokenLifeMs = 15 * 60_000;

/** Where a job that this interaction starts is told of: in `message`, which answers or carries it. */
export function addressOf(
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  message: { readonly id: string; readonly channelId: string },
  ephemeral: boolean,
): DeliveryAddress {
  return {
    applicationId: interaction.applicationId,
    token: interaction.token,
    tokenExpiresMs: interaction.createdTimestamp + tokenLifeMs,
    channelId: message.channelId,
    ...(interaction.guildId === null ? {} : { serverId: interaction.guildId }),
    messageId: message.id,
    ephemeral,
    locale: interaction.locale,
  };
}

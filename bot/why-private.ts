import { type ButtonInteraction, type ChatInputCommandInteraction, PermissionFlagsBits } from "discord.js";

/** Why what this person makes here is not for the whole channel, in words that follow "because"; undefined where it may be. Discord
 * lets a bot answer in public wherever it is used, so both are asked for what a message of their own would need. */
export function whyPrivate(
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  what: "pictures" | "words",
): string | undefined {
  if (!interaction.inGuild()) return undefined;
  const { appPermissions, memberPermissions } = interaction;
  const needed =
    writingIn(interaction.channel?.isThread()) | (what === "pictures" ? PermissionFlagsBits.AttachFiles : 0n);
  const verb = what === "pictures" ? "post pictures" : "write";
  if (!memberPermissions.has(needed)) return `you may not ${verb} here`;
  return appPermissions.has(needed | PermissionFlagsBits.ViewChannel) ? undefined : `I may not ${verb} here`;
}

/** In threads and posts of forums the right to write in channels counts for nothing. A private thread that the bot is not in
 * (undefined) cannot be told from a channel: there both are needed. */
function writingIn(isThread: boolean | undefined): bigint {
  const { SendMessages, SendMessagesInThreads } = PermissionFlagsBits;
  if (isThread === undefined) return SendMessages | SendMessagesInThreads;
  return isThread ? SendMessagesInThreads : SendMessages;
}

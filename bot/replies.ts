import { randomUUID } from "node:crypto";
import { DiscordAPIError, MessageFlags, RESTJSONErrorCodes, type RepliableInteraction } from "discord.js";
import { UserError } from "../shared/error.ts";
import { asWritten, type Card, cardOptions, textPart } from "./card.ts";
import type { Log } from "./command.ts";

/** A card that only says something. */
export function noteCard(text: string): Card {
  return { parts: [textPart(text)] };
}

/** What went wrong, in a person's words: a UserError as it is, anything else as a number to report. */
export function errorCard(error: unknown, log: Log): Card {
  if (error instanceof UserError) return noteCard(`${iconOf(error.code)} ${asWritten(error.message)}`);
  const id = randomUUID().slice(0, 8);
  log("bug", { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  return noteCard(`💥 Something broke on our side. Try again; if it happens again, report this number: \`${id}\``);
}

const icons: Readonly<Partial<Record<UserError["code"], string>>> = {
  forbidden: "🔒",
  unauthorized: "🔒",
  unavailable: "🌙",
  too_many: "⏳",
  bad_image: "🖼️",
};

function iconOf(code: UserError["code"]): string {
  return icons[code] ?? "⚠️";
}

/** Answers an interaction in private, whatever was already said: the deferred answer is filled, a card that was pressed stays. */
export async function answerPrivately(interaction: RepliableInteraction, card: Card): Promise<void> {
  const options = cardOptions(card);
  // Only an answer that was deferred, not a deferred update, has set whether it is ephemeral.
  const isFillable = interaction.deferred && !interaction.replied && interaction.ephemeral !== null;
  if (isFillable) await interaction.editReply(options);
  else if (interaction.deferred || interaction.replied) {
    await interaction.followUp({ ...options, flags: options.flags | MessageFlags.Ephemeral });
  } else await interaction.reply({ ...options, flags: options.flags | MessageFlags.Ephemeral });
}

/** True when Discord said that nobody waits for this answer any more. */
export function isTooLate(error: unknown): boolean {
  const codes: readonly unknown[] = [
    RESTJSONErrorCodes.UnknownInteraction,
    RESTJSONErrorCodes.UnknownWebhook,
    RESTJSONErrorCodes.InvalidWebhookToken,
  ];
  return error instanceof DiscordAPIError && codes.includes(error.code);
}

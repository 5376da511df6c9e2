import { type ButtonInteraction, type ChatInputCommandInteraction, MessageFlags } from "discord.js";
import { routes } from "../shared/api.ts";
import { addressOf } from "./address.ts";
import type { BotContext } from "./command.ts";
import { identityOf } from "./identity.ts";

/** Answers, for the one who asks alone, with what the model takes a concept for. Runs as a job, because the picture needs the
 * network; the gateway refuses whom it is not shown to. */
export async function explainConcept(
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  find: () => Promise<string>,
  { functions, deliveries }: BotContext,
): Promise<void> {
  const { resource } = await interaction.deferReply({ flags: MessageFlags.Ephemeral, withResponse: true });
  const message = resource?.message;
  if (!message) throw new Error("Discord deferred the answer without a message");
  const identity = identityOf(interaction);
  const input = { task: "explain", concept: await find() } as const;
  const delivery = await deliveries.claim(interaction.id, "explain", identity, addressOf(interaction, message, true));
  if (delivery === undefined) return;
  try {
    await functions.call(routes.putPrediction, identity, { id: interaction.id, body: { input } });
  } catch (error) {
    await deliveries.abandon(delivery);
    throw error;
  }
  deliveries.follow(delivery);
}

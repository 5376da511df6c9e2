import { type ButtonInteraction, type ChatInputCommandInteraction, MessageFlags } from "discord.js";
import { routes } from "../shared/api.ts";
import type { ExplainInput, ImagineInput } from "../shared/job.ts";
import { addressOf } from "./address.ts";
import type { BotContext } from "./command.ts";
import { identityOf } from "./identity.ts";

/** Who sees the answer, and, unless they asked for it themselves, why only they, in words that follow "because". */
export interface Privacy {
  readonly isPrivate: boolean;
  readonly why?: string | undefined;
}

/** Answers an interaction with a job of its own: the answer is deferred, for the person alone or for all, and follows the job to its
 * end. `inputOf` runs after that, so that it may take longer than Discord's three seconds. The gateway refuses whom a concept is
 * not shown to. @throws UserError of `inputOf` and of the gateway */
export async function startJob(
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  { isPrivate, why }: Privacy,
  inputOf: () => Promise<ExplainInput | ImagineInput>,
  { functions, deliveries }: BotContext,
): Promise<void> {
  const { resource } = await interaction.deferReply({
    ...(isPrivate ? { flags: MessageFlags.Ephemeral } : {}),
    withResponse: true,
  });
  const message = resource?.message;
  if (!message) throw new Error("Discord deferred the answer without a message");
  const identity = identityOf(interaction);
  const input = await inputOf();
  const address = { ...addressOf(interaction, message, isPrivate), ...(why !== undefined && { why }) };
  const delivery = await deliveries.claim(interaction.id, input.task, identity, address);
  if (delivery === undefined) return;
  try {
    await functions.call(routes.putPrediction, identity, { id: interaction.id, body: { input } });
  } catch (error) {
    await deliveries.abandon(delivery);
    throw error;
  }
  deliveries.follow(delivery);
}

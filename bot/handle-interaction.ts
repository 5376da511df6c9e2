import type { AutocompleteInteraction, BaseInteraction, RepliableInteraction } from "discord.js";
import { UserError } from "../shared/error.ts";
import type { BotContext, Command } from "./command.ts";
import { readCustomId } from "./custom-id.ts";
import { answerPrivately, errorCard, isTooLate } from "./replies.ts";

/** Brings an interaction to its command and tells the person what went wrong, if something did. Never rejects. */
export async function handleInteraction(
  interaction: BaseInteraction,
  commands: readonly Command[],
  context: BotContext,
): Promise<void> {
  try {
    if (interaction.isAutocomplete()) await complete(interaction, commands, context);
    else if (interaction.isRepliable()) await carryOut(interaction, commands, context);
  } catch (error) {
    if (isTooLate(error)) context.log("answered too late", { id: interaction.id });
    else if (interaction.isRepliable()) await tell(interaction, error, context);
  }
}

async function carryOut(
  interaction: RepliableInteraction,
  commands: readonly Command[],
  context: BotContext,
): Promise<void> {
  if (interaction.isChatInputCommand()) {
    await known(commandNamed(commands, interaction.commandName)?.run)(interaction, context);
  } else if (interaction.isMessageContextMenuCommand()) {
    await known(commandNamed(commands, interaction.commandName)?.runOnMessage)(interaction, context);
  } else if (interaction.isButton()) {
    const { verb, ids } = readCustomId(interaction.customId);
    refuseStrangers(interaction.message.interactionMetadata?.user.id, interaction.user.id);
    await known(commands.find(({ buttons }) => buttons?.[verb])?.buttons?.[verb])(interaction, ids, context);
  } else if (interaction.isModalSubmit()) {
    const { verb, ids } = readCustomId(interaction.customId);
    await known(commands.find(({ modals }) => modals?.[verb])?.modals?.[verb])(interaction, ids, context);
  }
}

/** A message's buttons are for the person it answers. The gateway checks again whose the thing behind them is. */
function refuseStrangers(ownerId: string | undefined, userId: string): void {
  if (ownerId !== undefined && ownerId !== userId) {
    throw new UserError("forbidden", `These buttons are for <@${ownerId}>. Use the command yourself to get your own.`);
  }
}

/** Whatever goes wrong, the person types on: an empty list is an answer. */
async function complete(
  interaction: AutocompleteInteraction,
  commands: readonly Command[],
  context: BotContext,
): Promise<void> {
  try {
    await known(commandNamed(commands, interaction.commandName)?.autocomplete)(interaction, context);
  } catch (error) {
    context.log("autocomplete failed", { error: String(error) });
    if (!interaction.responded) await interaction.respond([]);
  }
}

async function tell(interaction: RepliableInteraction, error: unknown, context: BotContext): Promise<void> {
  try {
    await answerPrivately(interaction, errorCard(error, context.log));
  } catch (failure) {
    context.log("error not told", { id: interaction.id, error: String(error), failure: String(failure) });
  }
}

function commandNamed(commands: readonly Command[], name: string): Command | undefined {
  return commands.find(({ data }) => data.name === name);
}

/** Buttons outlive versions: a message from long ago may ask for what is gone. */
function known<T>(handler: T | undefined): T {
  if (handler !== undefined) return handler;
  throw new UserError("not_found", "That belongs to an older version of me. Start again with the command.");
}

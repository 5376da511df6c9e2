import { ApplicationCommandType, InteractionContextType, MessageFlags } from "discord.js";
import { UserError } from "../../shared/error.ts";
import type { Command } from "../command.ts";
import { beginDraft } from "./learn.ts";

/** Apps > Learn this, on any message with a picture. */
export const learnThis: Command = {
  data: {
    type: ApplicationCommandType.Message,
    name: "Learn this",
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
  },
  async runOnMessage(interaction, context) {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    const picture = interaction.targetMessage.attachments.find(({ contentType }) => contentType?.startsWith("image/"));
    if (picture === undefined) {
      throw new UserError("bad_image", "There is no picture attached to that message. Choose one that has one.");
    }
    await beginDraft(interaction, picture, context, {});
  },
};

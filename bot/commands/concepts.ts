import {
  type APIApplicationCommandBasicOption,
  ApplicationCommandOptionType,
  type ButtonInteraction,
  ButtonStyle,
  type ChatInputCommandInteraction,
  InteractionContextType,
  MessageFlags,
} from "discord.js";
import { type ConceptSummary, routes } from "../../shared/api.ts";
import type { Id } from "../../shared/concept.ts";
import { button, type Card, cardOptions, conceptWord, rowPart, textPart } from "../card.ts";
import type { BotContext, Command } from "../command.ts";
import { listCard } from "../concept-list.ts";
import { askForgetCard, forgottenCard, maxCounted } from "../forget-cards.ts";
import type { FunctionClient } from "../function-client.ts";
import { identityOf } from "../identity.ts";
import { noteCard } from "../replies.ts";
import { letInConcept, shareConcept } from "../share-concept.ts";
import { startJob } from "../start-job.ts";
import { barredConcept, completeConcept, deletedConcept, ownConcept, sharedConcept } from "../typed-concept.ts";

const nameOption: APIApplicationCommandBasicOption = {
  type: ApplicationCommandOptionType.String,
  name: "name",
  description: "Which word",
  required: true,
  max_length: 100,
  autocomplete: true,
};

/** `/concepts`: the words that one sees, and what their owner may do with them. */
export const concepts: Command = {
  data: {
    name: "concepts",
    description: "The words I have learned",
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    options: [
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "list",
        description: "Your words, and those you can use here",
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "info",
        description: "What I think one of your words is",
        options: [nameOption],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "share",
        description: "Let everybody here use a word of yours; moderators let others share theirs again",
        options: [nameOption],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "unshare",
        description: "Take back a word that you have shared; moderators anybody's, as owner/name",
        options: [nameOption],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "delete",
        description: "Make me forget one of your words",
        options: [nameOption],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "restore",
        description: "Bring back a word that you deleted in the last seven days",
        options: [nameOption],
      },
      {
        type: ApplicationCommandOptionType.Subcommand,
        name: "forget-me",
        description: "Erase all of your words and their pictures, for good",
      },
    ],
  },
  async run(interaction, context) {
    const { functions } = context;
    const subcommand = interaction.options.getSubcommand();
    if (subcommand === "info") {
      return explain(interaction, async () => (await ownConcept(interaction, functions)).id, context);
    }
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    const identity = identityOf(interaction);
    if (subcommand === "list") {
      const found = await functions.call(routes.listConcepts, identity, { query: { limit: 100 } });
      await interaction.editReply(cardOptions(listCard(found.concepts, identity)));
      return;
    }
    if (subcommand === "forget-me") {
      const query = { owner: "me", limit: maxCounted };
      const own = await functions.call(routes.listConcepts, identity, { query });
      await interaction.editReply(cardOptions(askForgetCard(own.concepts)));
      return;
    }
    if (subcommand === "unshare") {
      const { id } = await sharedConcept(interaction, functions);
      return shareConcept(interaction, id, "private", functions);
    }
    if (subcommand === "restore") {
      return bringBack(interaction, (await deletedConcept(interaction, functions)).id, functions);
    }
    const barred = subcommand === "share" ? await barredConcept(interaction, functions) : undefined;
    if (barred !== undefined) return letInConcept(interaction, barred.id, functions);
    const concept = await ownConcept(interaction, functions);
    if (subcommand === "share") return shareConcept(interaction, concept.id, "server", functions);
    await interaction.editReply(cardOptions(askCard(concept)));
  },
  autocomplete: (interaction, { functions }) => completeConcept(interaction, functions),
  buttons: {
    "concept.share": async (interaction, [id = ""], { functions }) => {
      await interaction.deferUpdate();
      await shareConcept(interaction, id, "server", functions);
    },
    "concept.unshare": async (interaction, [id = ""], { functions }) => {
      await interaction.deferUpdate();
      await shareConcept(interaction, id, "private", functions);
    },
    "concept.info": (interaction, [id = ""], context) => explain(interaction, async () => id, context),
    "concept.ask": async (interaction, [id = ""], { functions }) => {
      await interaction.deferReply({ flags: MessageFlags.Ephemeral });
      const concept = await functions.call(routes.readConcept, identityOf(interaction), { id });
      await interaction.editReply(cardOptions(askCard(concept)));
    },
    "concept.delete": async (interaction, [id = ""], { functions }) => {
      await interaction.deferUpdate();
      const { undoUntil } = await functions.call(routes.deleteConcept, identityOf(interaction), { id });
      const until = `<t:${Math.floor(Date.parse(undoUntil) / 1000)}:R>`;
      const card: Card = {
        parts: [
          textPart(
            `Forgotten. It is gone for good ${until}; until then *Undo* or \`/concepts restore\` brings it back.`,
          ),
          rowPart(button("Undo", "concept.undo", [id], { emoji: "↩️" })),
        ],
      };
      await interaction.editReply(cardOptions(card));
    },
    "concept.undo": async (interaction, [id = ""], { functions }) => {
      await interaction.deferUpdate();
      await bringBack(interaction, id, functions);
    },
    "concept.forget": async (interaction, _ids, { functions }) => {
      await interaction.deferUpdate();
      const outcome = await functions.call(routes.forgetMe, identityOf(interaction));
      await interaction.editReply(cardOptions(forgottenCard(outcome)));
    },
    "concept.keep": async (interaction) => {
      await interaction.deferUpdate();
      await interaction.editReply(cardOptions(noteCard("Nothing was erased.")));
    },
  },
};

/** What the model takes a concept for, told to the one who asks alone. A job, because the picture needs the network. */
const explain = (
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  find: () => Promise<string>,
  context: BotContext,
): Promise<void> =>
  startJob(interaction, { isPrivate: true }, async () => ({ task: "explain", concept: await find() }), context);

/** Fills the deferred answer. What was shared when it was deleted is shared again. */
async function bringBack(
  interaction: ButtonInteraction | ChatInputCommandInteraction,
  id: Id,
  functions: FunctionClient,
): Promise<void> {
  const { name, scope } = await functions.call(routes.restoreConcept, identityOf(interaction), { id });
  const state = scope === "private" ? "" : ", shared as before";
  await interaction.editReply(cardOptions(noteCard(`${conceptWord(name)} is back${state}.`)));
}

function askCard({ id, name, scope }: ConceptSummary): Card {
  const others = scope === "private" ? "" : " Nobody else will be able to use it either.";
  return {
    parts: [
      textPart(`Forget ${conceptWord(name)}?${others}`),
      rowPart(button("Forget it", "concept.delete", [id], { style: ButtonStyle.Danger, emoji: "🗑️" })),
    ],
  };
}

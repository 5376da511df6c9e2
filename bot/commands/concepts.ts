import {
  type APIApplicationCommandBasicOption,
  ApplicationCommandOptionType,
  type AutocompleteInteraction,
  type ButtonInteraction,
  ButtonStyle,
  type ChatInputCommandInteraction,
  InteractionContextType,
  MessageFlags,
} from "discord.js";
import { type ConceptSummary, routes } from "../../shared/api.ts";
import { conceptName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import { limits } from "../../shared/limits.ts";
import { button, type Card, cardOptions, conceptWord, rowPart, short, textPart } from "../card.ts";
import type { BotContext, Command } from "../command.ts";
import { listCard } from "../concept-list.ts";
import { askForgetCard, forgottenCard, maxCounted } from "../forget-cards.ts";
import { identityOf } from "../identity.ts";
import { noteCard } from "../replies.ts";
import { shareConcept } from "../share-concept.ts";
import { startJob } from "../start-job.ts";
import { findConcept, isPrivateHere } from "../visible-concepts.ts";

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
        description: "Let everybody in this server use one of your words",
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
    const concept = await ownConcept(interaction, functions);
    if (subcommand === "share") return shareConcept(interaction, concept.id, "server", functions);
    await interaction.editReply(cardOptions(askCard(concept)));
  },
  async autocomplete(interaction: AutocompleteInteraction, { functions }) {
    const { owner = "", name: prefix } = splitName(interaction.options.getFocused().toLowerCase());
    const identity = identityOf(interaction);
    const whose = identity.moderator && interaction.options.getSubcommand() === "unshare" ? "anyone" : "me";
    const query = { prefix: prefix.slice(0, limits.maxConceptNameCharacters), owner: whose, limit: 100 };
    const found = await functions.call(routes.listConcepts, identity, { query, timeoutMs: 1_500 });
    const fitting = found.concepts.filter(isOffered(interaction.options.getSubcommand(), identity));
    await interaction.respond(
      fitting
        .filter((concept) => concept.owner.name.toLowerCase().startsWith(owner))
        .slice(0, 25)
        .map((concept) => {
          const value = concept.owner.id === identity.user.id ? concept.name : `${concept.owner.name}/${concept.name}`;
          return { name: short(concept.caption ? `${value} (${concept.caption})` : value, 100), value };
        }),
    );
  },
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
          textPart(`Forgotten. It is gone for good ${until}; until then you can have it back.`),
          rowPart(button("Undo", "concept.undo", [id], { emoji: "↩️" })),
        ],
      };
      await interaction.editReply(cardOptions(card));
    },
    "concept.undo": async (interaction, [id = ""], { functions }) => {
      await interaction.deferUpdate();
      const { name } = await functions.call(routes.restoreConcept, identityOf(interaction), { id });
      await interaction.editReply(cardOptions(noteCard(`${conceptWord(name)} is back.`)));
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

/** Which words a subcommand has something to do with: of others, those that a moderator may take out of this server. */
function isOffered(subcommand: string, identity: Identity): (concept: ConceptSummary) => boolean {
  if (subcommand === "share") return (concept) => isPrivateHere(concept, identity);
  if (subcommand !== "unshare") return () => true;
  return ({ scope, scopeId, owner }) =>
    owner.id === identity.user.id ? scope !== "private" : scope === "server" && scopeId === identity.server;
}

/** What was typed as a word's name, with or without `<` and `>`: its owner, where it is written owner/name, and its name. */
function splitName(typed: string): { readonly owner?: string; readonly name: string } {
  const text = typed.trim().replace(/^<|>$/g, "");
  const slash = text.lastIndexOf("/");
  return slash < 0 ? { name: text } : { owner: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** The concept that is to be taken back: the person's own, or the one that they typed as owner/name. Whether they may, the gateway
 * says. @throws UserError bad_concept, not_found */
async function sharedConcept(
  interaction: ChatInputCommandInteraction,
  functions: BotContext["functions"],
): Promise<ConceptSummary> {
  const { owner, name } = splitName(interaction.options.getString("name", true));
  if (owner === undefined) return ownConcept(interaction, functions);
  const concept = await findConcept(functions, identityOf(interaction), { owner, name: conceptName(name) });
  if (concept !== undefined) return concept;
  throw new UserError("not_found", `Nobody has shared a word ${conceptWord(`${owner}/${name}`)} here.`);
}

/** The person's own concept of the name that they typed. @throws UserError bad_concept, not_found */
async function ownConcept(
  interaction: ChatInputCommandInteraction,
  functions: BotContext["functions"],
): Promise<ConceptSummary> {
  const identity = identityOf(interaction);
  const name = conceptName(interaction.options.getString("name", true).trim().replace(/^<|>$/g, ""));
  const concept = await findConcept(functions, identity, { owner: identity.user.id, name });
  if (concept !== undefined) return concept;
  const advice = identity.moderator ? " Moderators take back somebody else's as `owner/name`." : "";
  throw new UserError("not_found", `You have no word ${conceptWord(name)}.${advice}`);
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

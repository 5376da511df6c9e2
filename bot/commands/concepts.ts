import {
  type APIApplicationCommandBasicOption,
  type APISectionComponent,
  ApplicationCommandOptionType,
  type AutocompleteInteraction,
  type ButtonInteraction,
  ButtonStyle,
  type ChatInputCommandInteraction,
  ComponentType,
  InteractionContextType,
  MessageFlags,
} from "discord.js";
import { type ConceptSummary, routes } from "../../shared/api.ts";
import { conceptName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import type { Identity } from "../../shared/identity.ts";
import { button, type Card, cardOptions, conceptWord, quoted, rowPart, short, textPart } from "../card.ts";
import type { BotContext, Command, Ids } from "../command.ts";
import { askForgetCard, forgottenCard, maxCounted } from "../forget-cards.ts";
import { identityOf } from "../identity.ts";
import { answerPrivately, noteCard } from "../replies.ts";
import { startJob } from "../start-job.ts";
import { findConcept, isPrivateHere, referenceAmong } from "../visible-concepts.ts";
import { whyPrivate } from "../why-private.ts";

/** Own words with a button each: section, text and button are 3 of Discord's 40 components. */
const maxSections = 10;

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
    const concept = await ownConcept(interaction, functions);
    await interaction.editReply(cardOptions(askCard(concept)));
  },
  async autocomplete(interaction: AutocompleteInteraction, { functions }) {
    const prefix = interaction.options.getFocused().replace(/^</, "").toLowerCase().slice(0, 32);
    const query = { prefix, owner: "me", limit: 25 };
    const found = await functions.call(routes.listConcepts, identityOf(interaction), { query, timeoutMs: 1_500 });
    await interaction.respond(
      found.concepts.map(({ name, caption }) => ({
        name: short(caption ? `${name} (${caption})` : name, 100),
        value: name,
      })),
    );
  },
  buttons: {
    "concept.share": share("server"),
    "concept.unshare": share("private"),
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

/** The person's own concept of the name that they typed. @throws UserError bad_concept, not_found */
async function ownConcept(
  interaction: ChatInputCommandInteraction,
  functions: BotContext["functions"],
): Promise<ConceptSummary> {
  const identity = identityOf(interaction);
  const name = conceptName(interaction.options.getString("name", true).trim().replace(/^<|>$/g, ""));
  const concept = await findConcept(functions, identity, { owner: identity.user.id, name });
  if (concept !== undefined) return concept;
  throw new UserError("not_found", `You have no word ${conceptWord(name)}.`);
}

/** The pressed card stays. Everybody may read that a word is shared, once; only its owner that it is private again. */
function share(scope: "server" | "private") {
  return async (interaction: ButtonInteraction, [id = ""]: Ids, { functions }: BotContext): Promise<void> => {
    await interaction.deferUpdate();
    const body = { scope };
    const shared = await functions.call(routes.shareConcept, identityOf(interaction), { id, body });
    const trial = `\`/imagine prompt:<${shared.reference}> in space\``;
    const owner = quoted(interaction.user.displayName);
    if (scope === "private") {
      const news = `${conceptWord(shared.name)} is private again: only you can use it. Pictures that are already drawn stay.`;
      await answerPrivately(interaction, noteCard(news));
    } else if (!shared.changed) {
      await answerPrivately(interaction, noteCard(`${conceptWord(shared.reference)} is shared here already: ${trial}`));
      return;
    }
    const why = whyPrivate(interaction, "words");
    if (why !== undefined) {
      const told = `${conceptWord(shared.reference)} is shared here: ${trial}\n-# Only you see this, because ${why}.`;
      await answerPrivately(interaction, noteCard(told));
    } else {
      const news = `📣 **${owner}** shares a new word: ${conceptWord(shared.reference)}\nEverybody here can use it: ${trial}`;
      await interaction.followUp(cardOptions(noteCard(news)));
    }
  };
}

function listCard(found: readonly ConceptSummary[], identity: Identity): Card {
  if (found.length === 0) {
    return noteCard(
      "### No words yet\nTeach me one: `/learn` with a picture, or *Apps → Learn this* on any message with one.",
    );
  }
  const mine = found.filter(({ owner }) => owner.id === identity.user.id);
  const others = found.filter(({ owner }) => owner.id !== identity.user.id);
  const sections = mine.slice(0, maxSections).map((concept) => sectionOf(concept, identity));
  const rest = mine.slice(maxSections);
  const lines = others.map((concept) => lineOf(concept, referenceAmong(concept, found, identity)));
  return {
    parts: [
      ...(mine.length > 0 ? [textPart("### Your words"), ...sections] : []),
      ...(rest.length > 0 ? [textPart(`-# and ${rest.map(({ name }) => conceptWord(name)).join(" ")}`)] : []),
      ...(others.length > 0 ? [textPart(`### Shared with you\n${lines.join("\n")}`)] : []),
    ],
  };
}

function sectionOf(concept: ConceptSummary, identity: Identity): APISectionComponent {
  const action =
    identity.server === undefined
      ? button("Delete", "concept.ask", [concept.id])
      : isPrivateHere(concept, identity)
        ? button("Share", "concept.share", [concept.id], { style: ButtonStyle.Primary })
        : button("Unshare", "concept.unshare", [concept.id]);
  return {
    type: ComponentType.Section,
    components: [{ type: ComponentType.TextDisplay, content: `${lineOf(concept)} · ${stateOf(concept, identity)}` }],
    accessory: action,
  };
}

/** A word is shared in one place at a time. */
function stateOf(concept: ConceptSummary, identity: Identity): string {
  if (!isPrivateHere(concept, identity)) return "shared";
  if (concept.scope === "private") return "private";
  return identity.server === undefined ? "shared in a server" : "shared in another server; *Share* moves it here";
}

function lineOf({ name, caption, owner }: ConceptSummary, reference = name): string {
  return `${conceptWord(reference)} ${caption === undefined ? "" : `${quoted(caption, 60)} `}· ${quoted(owner.name, 32)}`;
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

import {
  ApplicationCommandOptionType,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  InteractionContextType,
  MessageFlags,
} from "discord.js";
import { type ConceptSummary, routes } from "../../shared/api.ts";
import { UserError } from "../../shared/error.ts";
import { leavesOf } from "../../shared/family-tree.ts";
import type { Identity } from "../../shared/identity.ts";
import { ImagineInput } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { parsePrompt, referencesOf } from "../../shared/prompt.ts";
import { short } from "../../shared/short.ts";
import { conceptWord } from "../card.ts";
import type { Clock } from "../clock.ts";
import type { BotContext, Command, Ids } from "../command.ts";
import { identityOf } from "../identity.ts";
import { startJob } from "../start-job.ts";
import { findConcept, isPrivateHere, openName, referenceAmong } from "../visible-concepts.ts";
import { whyPrivate } from "../why-private.ts";

/** Discord waits three seconds for the first answer, and whether it is private has to be known by then: the time for everything
 * that is looked up before it. */
const lookupMs = 2_000;

const maxPictures = 4;

/** `/imagine`: a prompt with learned words becomes pictures. */
export const imagine: Command = {
  data: {
    name: "imagine",
    description: "Draw something with the words I have learned",
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    options: [
      {
        type: ApplicationCommandOptionType.String,
        name: "prompt",
        description: "What to draw; type < for a learned word, as in <mycat> in space",
        required: true,
        min_length: 1,
        max_length: limits.maxPromptCharacters,
        autocomplete: true,
      },
      {
        type: ApplicationCommandOptionType.Integer,
        name: "pictures",
        description: "How many (4 otherwise)",
        min_value: 1,
        max_value: maxPictures,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: "negative",
        description: "What should not be in the picture",
        max_length: limits.maxPromptCharacters,
      },
      {
        type: ApplicationCommandOptionType.Integer,
        name: "seed",
        description: "The same seed draws the same pictures",
        min_value: 0,
        max_value: 2 ** 32 - 1,
      },
      { type: ApplicationCommandOptionType.Boolean, name: "only-me", description: "Show the pictures to me alone" },
    ],
  },
  async run(interaction, context) {
    const { options } = interaction;
    const seed = options.getInteger("seed");
    const prompt = options.getString("prompt", true).trim();
    if (prompt === "") {
      throw new UserError(
        "bad_prompt",
        "Expected words for what to draw, got only blanks. Write some, as in `a red mug`.",
      );
    }
    const input = ImagineInput.parse({
      task: "imagine",
      prompt,
      negative: options.getString("negative") ?? "",
      count: options.getInteger("pictures") ?? maxPictures,
      ...(seed === null ? {} : { seed }),
    });
    await draw(interaction, input, options.getBoolean("only-me") ?? false, startLookup(context.clock), context);
  },
  async autocomplete(interaction, { functions }) {
    const typed = interaction.options.getFocused();
    const open = openName(typed);
    const query = { prefix: open?.typed ?? "", limit: 25 };
    const identity = identityOf(interaction);
    const { concepts } = await functions.call(routes.listConcepts, identity, { query, timeoutMs: lookupMs });
    const before = open?.before ?? (typed === "" || typed.endsWith(" ") ? typed : `${typed} `);
    const choices = concepts.map((concept) => {
      const value = `${before}<${referenceAmong(concept, concepts, identity)}> `;
      const origin = open === undefined && typed !== "" ? "" : originOf(concept, identity);
      return { name: short(`${value}${origin}`.trim(), 100), value };
    });
    // A value that Discord would cut would name another word, so long prompts get fewer choices.
    await interaction.respond(choices.filter(({ value }) => value.length <= 100).slice(0, 25));
  },
  buttons: { "imagine.again": drawAgain },
};

function originOf(concept: ConceptSummary, identity: Identity): string {
  const { owner, caption } = concept;
  const mine = isPrivateHere(concept, identity) ? "yours, private" : "yours";
  const whose = owner.id === identity.user.id ? mine : `by ${owner.name}`;
  return caption === undefined ? `(${whose})` : `(${whose}: ${caption})`;
}

/** One job for each interaction; the pressed message stays, the new pictures are a new one. */
async function drawAgain(interaction: ButtonInteraction, [id = ""]: Ids, context: BotContext): Promise<void> {
  const identity = identityOf(interaction);
  const leftMs = startLookup(context.clock);
  const earlier = await context.functions
    .call(routes.readPrediction, identity, { id, timeoutMs: leftMs() })
    .catch(tellGone);
  if (earlier.input.task !== "imagine") throw new UserError("bad_request", "There is nothing to draw again here.");
  const { seed: _, ...input } = earlier.input;
  await draw(interaction, input, interaction.message.flags.has(MessageFlags.Ephemeral), leftMs, context);
}

/** @throws UserError in place of the gateway's, which names an id that nobody knows */
function tellGone(error: unknown): never {
  if (!(error instanceof UserError) || error.code !== "not_found") throw error;
  const told = `*Again* needs what these pictures were drawn from. I keep that for ${limits.keepFinishedDays} days, and it is gone: run \`/imagine\` with the prompt above.`;
  throw new UserError("not_found", told, { cause: error });
}

/** Tells how much of the time for lookups is left, in milliseconds from now on; at least one. */
function startLookup(clock: Clock): () => number {
  const endMs = clock.now() + lookupMs;
  return () => Math.max(1, endMs - clock.now());
}

/** Public where everybody may see every word in it, those of its blends too, and the person may post pictures; private otherwise. */
async function draw(
  interaction: ChatInputCommandInteraction | ButtonInteraction,
  input: ImagineInput,
  onlyMe: boolean,
  leftMs: () => number,
  context: BotContext,
): Promise<void> {
  const identity = identityOf(interaction);
  const named = await conceptsOf(input, identity, leftMs(), context);
  const used = [...named, ...(await parentsOf(named, identity, leftMs(), context))];
  const hidden = used.find((concept) => isPrivateHere(concept, identity));
  const unshared =
    hidden && interaction.inGuild() ? `${conceptWord(hidden.name)} is not shared with this server` : undefined;
  const why = unshared ?? whyPrivate(interaction, "pictures");
  const isPrivate = onlyMe || hidden !== undefined || why !== undefined;
  await startJob(interaction, { isPrivate, why }, async () => input, context);
}

/** The concepts that a prompt, or what should not be in the picture, names.
 * @throws UserError bad_prompt, or not_found that names the unknown word */
async function conceptsOf(
  { prompt, negative }: ImagineInput,
  identity: Identity,
  timeoutMs: number,
  { functions }: BotContext,
): Promise<ConceptSummary[]> {
  const references = [prompt, negative].flatMap((text) => referencesOf(parsePrompt(text)));
  const found = await Promise.all(
    references.map(async (reference) => {
      const concept = await findConcept(functions, identity, reference, timeoutMs);
      if (concept !== undefined || reference.orWord) return concept;
      throw new UserError(
        "not_found",
        `I do not know <${reference.name}>. \`/concepts list\` shows the words that you can use; \`/learn\` teaches me a new one.`,
      );
    }),
  );
  return found.filter((concept) => concept !== undefined);
}

/** What the saved blends among the concepts draw with. What this person does not see the job refuses in its own words. */
async function parentsOf(
  concepts: readonly ConceptSummary[],
  identity: Identity,
  timeoutMs: number,
  { functions }: BotContext,
): Promise<ConceptSummary[]> {
  const leaves = concepts.flatMap(({ blend = [] }) => leavesOf(blend));
  const ids = new Set(leaves.flatMap((leaf) => ("id" in leaf ? [leaf.id] : [])));
  const found = await Promise.all(
    Array.from(ids, (id) =>
      functions.call(routes.readConcept, identity, { id, timeoutMs }).catch((error: unknown) => {
        if (!(error instanceof UserError) || error.code !== "not_found") throw error;
      }),
    ),
  );
  return found.filter((concept) => concept !== undefined);
}

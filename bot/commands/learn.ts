import {
  ApplicationCommandOptionType,
  type Attachment,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  ComponentType,
  InteractionContextType,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  type ModalSubmitInteraction,
  TextInputStyle,
} from "discord.js";
import { type DraftView, routes } from "../../shared/api.ts";
import { ConceptName, conceptName } from "../../shared/concept-name.ts";
import type { Draft, Point } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import type { DrawnPicture } from "../../shared/job.ts";
import { limits } from "../../shared/limits.ts";
import { beginning } from "../../shared/short.ts";
import { addressOf } from "../address.ts";
import { downloadAttachment } from "../attachment.ts";
import { cardOptions, type Picture } from "../card.ts";
import type { BotContext, Command, Ids } from "../command.ts";
import { customId } from "../custom-id.ts";
import { identityOf } from "../identity.ts";
import { draftCard, gridCard } from "../learn-cards.ts";
import { pictureName } from "../progress.ts";

const percent = (name: string, description: string) => ({
  type: ApplicationCommandOptionType.Number as const,
  name,
  description,
  min_value: 0,
  max_value: 100,
});

/** `/learn`: a picture becomes a draft with candidates, a draft becomes a word. */
export const learn: Command = {
  data: {
    name: "learn",
    description: "Teach me a new word from one picture",
    contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
    options: [
      {
        type: ApplicationCommandOptionType.Attachment,
        name: "image",
        description: "A picture with the thing in it",
        required: true,
      },
      {
        type: ApplicationCommandOptionType.String,
        name: "name",
        description: "What to call it (I suggest a name otherwise)",
        min_length: 1,
        max_length: limits.maxConceptNameCharacters,
      },
      percent("x", "Where the thing is, in percent from the left (with y)"),
      percent("y", "Where the thing is, in percent from the top (with x)"),
    ],
  },
  async run(interaction, context) {
    await interaction.deferReply({ flags: MessageFlags.Ephemeral });
    const name = interaction.options.getString("name");
    await beginDraft(interaction, interaction.options.getAttachment("image", true), context, {
      ...(name === null ? {} : { name: conceptName(name) }),
      ...clickOf(interaction),
    });
  },
  buttons: {
    "learn.go": startLearning,
    "learn.pick": (interaction, [id, index], context) =>
      changeDraft(interaction, id, context, (draft) =>
        context.functions.call(routes.patchDraft, identityOf(interaction), {
          id: draft.id,
          // Somebody's own words were about the other candidate.
          body: { revision: draft.revision, selected: Number(index), caption: null, className: null },
        }),
      ),
    "learn.word": (interaction, [id, index], context) =>
      changeDraft(interaction, id, context, (draft) => {
        const choice = draft.candidates[draft.selected]?.words[Number(index)];
        return context.functions.call(routes.patchDraft, identityOf(interaction), {
          id: draft.id,
          // A button of an earlier card, whose words are gone, changes nothing.
          body: { revision: draft.revision, ...(choice && { caption: choice.caption, className: choice.word }) },
        });
      }),
    "learn.point": (interaction, [id], context) => zoom(interaction, id, [], context),
    "learn.cell": (interaction, [id, cells = ""], context) =>
      zoom(interaction, id, cells.split(".").map(Number), context),
    // A change of nothing: back from the grid to what was found before.
    "learn.back": (interaction, [id], context) =>
      changeDraft(interaction, id, context, (draft) =>
        context.functions.call(routes.patchDraft, identityOf(interaction), {
          id: draft.id,
          body: { revision: draft.revision },
        }),
      ),
    "learn.words": askForWords,
    "job.cancel": async (interaction, [id = ""], { functions }) => {
      await interaction.deferUpdate();
      await functions.call(routes.cancelPrediction, identityOf(interaction), { id });
    },
  },
  modals: { "learn.words": takeWords },
};

/** Describing runs on a CPU that may be busy; the deferred answer can wait longer than this. */
const describeTimeoutMs = 4 * 60_000;

/** Picture to draft to candidates; the deferred answer becomes the draft's card. */
export async function beginDraft(
  interaction: ChatInputCommandInteraction | MessageContextMenuCommandInteraction,
  attachment: Attachment,
  context: BotContext,
  wishes: { readonly name?: string; readonly click?: Point },
): Promise<void> {
  const { functions, config } = context;
  const identity = identityOf(interaction);
  const bytes = await downloadAttachment(attachment, config.attachmentOrigins);
  const stored = await functions.call(routes.createUpload, identity, { body: bytes });
  const body = {
    ...wishes,
    id: interaction.id,
    picture: stored.key,
    channel: interaction.channelId,
    locale: interaction.locale,
  };
  const view = await functions.call(routes.createDraft, identity, { body, timeoutMs: describeTimeoutMs });
  await interaction.editReply(cardOptions(draftCard(view, ...(await draftPictures(interaction, view, context)))));
}

/** `x` and `y` of the command, in percent, as a point. @throws UserError when only one is given */
function clickOf(interaction: ChatInputCommandInteraction): { click?: Point } {
  const x = interaction.options.getNumber("x");
  const y = interaction.options.getNumber("y");
  if (x === null && y === null) return {};
  if (x === null || y === null) throw new UserError("bad_request", "Give both x and y, in percent, or neither.");
  return { click: { x: x / 100, y: y / 100 } };
}

/** The first press starts the job; every further one joins it. */
async function startLearning(interaction: ButtonInteraction, [id = ""]: Ids, context: BotContext): Promise<void> {
  const { functions, deliveries } = context;
  await interaction.deferUpdate();
  const identity = identityOf(interaction);
  const { draft } = await functions.call(routes.readDraft, identity, { id });
  const job = await functions.call(routes.learnDraft, identity, { id, body: { revision: draft.revision } });
  const { message } = interaction;
  const address = addressOf(interaction, message, message.flags.has(MessageFlags.Ephemeral));
  const delivery = await deliveries.claim(job.id, "learn", identity, address);
  if (delivery !== undefined) deliveries.follow(delivery);
}

type Pressed = ButtonInteraction | ModalSubmitInteraction;

/** Changes a draft and shows it anew in the message that was pressed. */
async function changeDraft(
  interaction: Pressed,
  id: string | undefined,
  context: BotContext,
  change: (draft: Draft) => Promise<DraftView>,
  card: typeof draftCard = draftCard,
): Promise<void> {
  await interaction.deferUpdate();
  const { draft } = await context.functions.call(routes.readDraft, identityOf(interaction), { id: id ?? "" });
  const view = await change(draft);
  await interaction.editReply(cardOptions(card(view, ...(await draftPictures(interaction, view, context)))));
}

/** Fewer than two cells show the next grid; two are a click, which brings candidates. */
function zoom(interaction: ButtonInteraction, id: string | undefined, cells: readonly number[], context: BotContext) {
  const call = (draft: Draft) =>
    context.functions.call(routes.zoomDraft, identityOf(interaction), {
      id: draft.id,
      body: { revision: draft.revision, cells },
      timeoutMs: describeTimeoutMs,
    });
  return changeDraft(interaction, id, context, call, cells.length < 2 ? gridCard : draftCard);
}

/** The draft's own picture, and the welcome of a photograph as long as nobody has chosen another thing or other words. */
async function draftPictures(
  interaction: Pressed | ChatInputCommandInteraction | MessageContextMenuCommandInteraction,
  { draft, picture }: DraftView,
  { functions }: BotContext,
): Promise<[picture: Picture, welcome?: Picture]> {
  const load = async (drawn: Pick<DrawnPicture, "key" | "kind" | "alt">): Promise<Picture> => ({
    name: pictureName(`${draft.id}r${draft.revision}`, drawn),
    bytes: await functions.call(routes.readFile, identityOf(interaction), { key: drawn.key }),
    alt: drawn.alt,
  });
  const own = await load(picture);
  const { welcome, selected, caption } = draft;
  if (welcome === undefined || selected !== 0 || caption !== undefined) return [own];
  return [own, await load({ key: welcome.picture.key, kind: "preview", alt: welcome.text })];
}

/** A modal has to be the first answer, so the draft is read within Discord's three seconds. */
const modalTimeoutMs = 2_000;

/** What the fields of "Edit words" hold before somebody writes in them: of an unsure draft a guess, which may be left out. */
function prefillOf(draft: Draft) {
  const chosen = draft.candidates[draft.selected];
  return {
    name: draft.name,
    caption: beginning(draft.caption ?? chosen?.caption ?? "", 300),
    className: beginning(draft.className ?? chosen?.className ?? "", 60),
    isGuess: chosen?.sure === false,
  };
}

async function askForWords(interaction: ButtonInteraction, [id = ""]: Ids, { functions }: BotContext): Promise<void> {
  const { draft } = await functions.call(routes.readDraft, identityOf(interaction), { id, timeoutMs: modalTimeoutMs });
  const { name, caption, className, isGuess } = prefillOf(draft);
  const field = (id: string, label: string, description: string, value: string, max: number, required: boolean) => ({
    type: ComponentType.Label as const,
    label,
    description,
    component: {
      type: ComponentType.TextInput as const,
      custom_id: id,
      style: max > 100 ? TextInputStyle.Paragraph : TextInputStyle.Short,
      value,
      min_length: required ? 1 : 0,
      max_length: max,
      required,
    },
  });
  const isUntouched = isGuess && draft.caption === undefined;
  const begins = isUntouched ? "A guess, until you write something else" : "Learning starts from these words";
  await interaction.showModal({
    custom_id: customId("learn.words", id),
    title: "The words for it",
    components: [
      field("name", "Name", "What you will type in <…>", name, limits.maxConceptNameCharacters, true),
      field("caption", "Description", begins, caption, 300, !isGuess),
      field("class", "Kind of thing", "One or two words", className, 60, !isGuess),
    ],
  });
}

/** Only fields that were changed are the person's words. An emptied guess takes back what they had written before. */
async function takeWords(interaction: ModalSubmitInteraction, [id]: Ids, context: BotContext): Promise<void> {
  const value = (field: string) => interaction.fields.getTextInputValue(field).trim();
  const name = ConceptName.safeParse(value("name"));
  if (!name.success) {
    throw new UserError(
      "bad_concept",
      `That name does not work: ${name.error.issues[0]?.message}. Press Edit words again.`,
    );
  }
  await changeDraft(interaction, id, context, (draft) => {
    const before = prefillOf(draft);
    const words = (field: string, label: string, prefill: string): string | null | undefined => {
      const written = value(field);
      if (written === prefill.trim()) return undefined;
      if (written !== "") return written;
      if (before.isGuess) return null;
      throw new UserError(
        "bad_request",
        `${label}: expected words for the thing, got only blanks. Press Edit words again.`,
      );
    };
    const chosen = {
      name: name.data === before.name ? undefined : name.data,
      caption: words("caption", "Description", before.caption),
      className: words("class", "Kind of thing", before.className),
    };
    return context.functions.call(routes.patchDraft, identityOf(interaction), {
      id: draft.id,
      body: { revision: draft.revision, ...chosen },
    });
  });
}

import { randomBytes } from "node:crypto";
import { InteractionResponseType as Callback, MessageFlags } from "discord.js";
import { z } from "zod";
import { type AnyComponent, Modal, text } from "./component-rules.ts";
import type { Upload } from "./message-rules.ts";
import { createLoadingMessage, createMessage, editMessage, type NewMessage } from "./messages.ts";
import { interactionPayload } from "./payloads.ts";
import { formError, parseForm, refusals } from "./refusal.ts";
import type { Interaction, InteractionType, Message, World } from "./world.ts";

export const firstResponseMs = 3_000;
export const tokenLifeMs = 15 * 60_000;

export interface NewInteraction {
  readonly type: InteractionType;
  readonly userId: string;
  readonly channelId: string;
  readonly data: AnyComponent;
  readonly sourceMessageId?: string | undefined;
  readonly locale: string;
}

/** A member did something: the bot hears of it over the gateway. */
export function createInteraction(world: World, from: NewInteraction): Interaction {
  const interaction: Interaction = {
    id: world.nextId(),
    token: `aW50ZXJhY3Rpb24${randomBytes(48).toString("base64url")}`,
    type: from.type,
    userId: from.userId,
    channelId: from.channelId,
    createdMs: world.clock.now(),
    sourceMessageId: from.sourceMessageId,
    data: from.data,
    answeredWith: null,
    originalId: undefined,
    messageIds: new Set(),
    modal: undefined,
    choices: undefined,
  };
  world.interactions.set(interaction.id, interaction);
  world.events.emit("dispatch", "INTERACTION_CREATE", interactionPayload(world, interaction, from.locale));
  return interaction;
}

/** Which answers each type of interaction may have. */
const answers: Readonly<Record<InteractionType, readonly number[]>> = {
  2: [Callback.ChannelMessageWithSource, Callback.DeferredChannelMessageWithSource, Callback.Modal],
  3: [
    Callback.ChannelMessageWithSource,
    Callback.DeferredChannelMessageWithSource,
    Callback.DeferredMessageUpdate,
    Callback.UpdateMessage,
    Callback.Modal,
  ],
  4: [Callback.ApplicationCommandAutocompleteResult],
  5: [
    Callback.ChannelMessageWithSource,
    Callback.DeferredChannelMessageWithSource,
    Callback.DeferredMessageUpdate,
    Callback.UpdateMessage,
  ],
};

const CallbackForm = z.object({ type: z.enum(Callback), data: z.unknown().optional() });

const Autocomplete = z.object({
  choices: z.array(z.object({ name: text(1, 100), value: z.union([text(1, 100), z.number()]) })).max(25),
});

/** POST /interactions/<id>/<token>/callback. Returns the message that it made or changed. @throws Refusal */
export function answerInteraction(
  world: World,
  id: string,
  token: string,
  payload: unknown,
  files: readonly Upload[],
): { interaction: Interaction; message: Message | undefined; type: number } {
  const interaction = world.interactions.get(id);
  if (interaction === undefined || interaction.token !== token) throw refusals.unknownInteraction();
  if (interaction.answeredWith !== null) throw refusals.alreadyAcknowledged();
  if (world.clock.now() - interaction.createdMs > firstResponseMs) throw refusals.unknownInteraction();
  const { type, data } = parseForm(CallbackForm, payload);
  const hasSource = interaction.sourceMessageId !== undefined;
  const needsSource = type === Callback.DeferredMessageUpdate || type === Callback.UpdateMessage;
  if (!answers[interaction.type].includes(type) || (needsSource && !hasSource)) {
    throw formError(
      ["type"],
      "INTERACTION_APPLICATION_INVALID_CALLBACK_TYPE",
      `Callback ${Callback[type]} cannot answer an interaction of type ${interaction.type}`,
    );
  }
  const message = carryOut(world, interaction, type, data, files);
  interaction.answeredWith = type;
  if (message !== undefined) {
    interaction.originalId = message.id;
    interaction.messageIds.add(message.id);
  }
  world.events.emit("change");
  return { interaction, message, type };
}

function carryOut(
  world: World,
  interaction: Interaction,
  type: number,
  data: unknown,
  files: readonly Upload[],
): Message | undefined {
  const source = interaction.sourceMessageId && world.messages.get(interaction.sourceMessageId);
  switch (type) {
    case Callback.ChannelMessageWithSource:
      return createMessage(world, data, files, placeOf(world, interaction, flagsOf(data)));
    case Callback.DeferredChannelMessageWithSource: {
      const flags = flagsOf(data);
      if ((flags & ~MessageFlags.Ephemeral) !== 0) {
        throw formError(["data", "flags"], "MESSAGE_FLAGS_INVALID", "A deferred answer can only be EPHEMERAL");
      }
      return createLoadingMessage(world, placeOf(world, interaction, flags), flags !== 0);
    }
    case Callback.UpdateMessage:
      if (source) editMessage(world, source, data, files, ["data"]);
      return source || undefined;
    case Callback.DeferredMessageUpdate:
      return source || undefined;
    case Callback.Modal:
      interaction.modal = parseForm(Modal, data, ["data"]);
      return undefined;
    case Callback.ApplicationCommandAutocompleteResult:
      interaction.choices = parseForm(Autocomplete, data, ["data"]).choices;
      return undefined;
    default:
      throw new Error(`callback type ${type} is allowed but not carried out`);
  }
}

function flagsOf(data: unknown): number {
  const flags = (data as { flags?: unknown } | undefined)?.flags ?? 0;
  return typeof flags === "number" ? flags : 0;
}

function placeOf(world: World, interaction: Interaction, flags: number): NewMessage {
  return {
    channelId: interaction.channelId,
    authorId: world.applicationId,
    rule: "interaction",
    interactionId: interaction.id,
    prefix: ["data"],
    ...((flags & MessageFlags.Ephemeral) === 0 ? {} : { visibleTo: interaction.userId }),
  };
}

/** The interaction whose token a webhook request carries. @throws Refusal 50027 after 15 minutes, 10015 before the answer */
export function interactionOfToken(world: World, applicationId: string, token: string): Interaction {
  const interaction = [...world.interactions.values()].find((candidate) => candidate.token === token);
  if (interaction === undefined || applicationId !== world.applicationId) throw refusals.unknownWebhook();
  if (world.clock.now() - interaction.createdMs > tokenLifeMs) throw refusals.invalidWebhookToken();
  if (interaction.answeredWith === null) throw refusals.unknownWebhook();
  return interaction;
}

/** POST /webhooks/<application>/<token>: a follow-up. The first one after a deferral completes the deferred message. */
export function followUp(world: World, interaction: Interaction, payload: unknown, files: readonly Upload[]): Message {
  const original = interaction.originalId === undefined ? undefined : world.messages.get(interaction.originalId);
  if (original !== undefined && !original.deleted && (original.flags & MessageFlags.Loading) !== 0) {
    const { flags = 0, ...rest } = payload as { flags?: number };
    editMessage(world, original, { ...rest, flags: flags & ~MessageFlags.Ephemeral }, files);
    return original;
  }
  const { prefix: _, ...place } = placeOf(world, interaction, flagsOf(payload));
  const message = createMessage(world, payload, files, place);
  interaction.messageIds.add(message.id);
  return message;
}

/** A message that the token may touch: `@original` or the id of one of its own. @throws Refusal 10008 */
export function messageOfToken(world: World, interaction: Interaction, messageId: string): Message {
  const id = messageId === "@original" ? interaction.originalId : messageId;
  const message = id === undefined ? undefined : world.messages.get(id);
  const reachable = id !== undefined && (interaction.messageIds.has(id) || id === interaction.sourceMessageId);
  if (message === undefined || message.deleted || !reachable) throw refusals.unknownMessage();
  return message;
}
